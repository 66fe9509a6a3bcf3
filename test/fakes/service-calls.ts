/** Calls of a service's handlers as the gRPC adapter makes them: one message at a time, each taken when the reader asks. */

import type { Caller } from '../../src/api/caller.js';
import type { CallContext } from '../../src/api/grpc/service.js';
import { RequestError } from '../../src/api/request-error.js';
import { settle } from './agent-world.js';

const viewer: Caller = { identity: 'cn:eye', roles: new Set(['viewer']), owners: undefined };

/** The context of a viewer's call. */
export function viewerContext(signal = new AbortController().signal): CallContext {
  return { caller: viewer, signal };
}

/** Reads a watch message by message; `due` is undefined while the service has nothing to say. */
export class Reader<Message> {
  readonly #abort: AbortController;
  readonly #iterator: AsyncIterator<Message>;
  #next: Promise<IteratorResult<Message>> | undefined;
  #arrived: IteratorResult<Message> | undefined;

  constructor(call: (context: CallContext) => AsyncIterable<Message>) {
    this.#abort = new AbortController();
    this.#iterator = call(viewerContext(this.#abort.signal))[Symbol.asyncIterator]();
  }

  /** The next message, once it has come. */
  async next(): Promise<Message> {
    const result = await this.#ask();
    this.#take();
    if (result.done === true) throw new Error('the watch has ended');
    return result.value;
  }

  /** The next message if there is one after everything that waits for its turn only has run. */
  async due(): Promise<Message | undefined> {
    void this.#ask();
    await settle();
    const arrived = this.#arrived;
    if (arrived === undefined || arrived.done === true) return undefined;
    this.#take();
    return arrived.value;
  }

  /** The caller goes; resolves when the watch has ended. */
  async leave(): Promise<void> {
    this.#abort.abort();
    for (;;) if ((await (this.#next ?? this.#iterator.next())).done === true) return;
  }

  #ask(): Promise<IteratorResult<Message>> {
    this.#next ??= this.#iterator.next().then((result) => {
      this.#arrived = result;
      return result;
    });
    return this.#next;
  }

  #take(): void {
    this.#next = undefined;
    this.#arrived = undefined;
  }
}

/** The fields that a request is refused for. */
export async function refusedFields(call: () => unknown): Promise<readonly string[]> {
  try {
    await call();
  } catch (error) {
    if (error instanceof RequestError && error.code === 'API_INVALID')
      return error.violations.map(({ field }) => field);
    throw error;
  }
  throw new Error('it was not refused');
}
