/** Watches the agent's flows of one bridge over a connection of its own, so that the agent is not what says it is right. */
import { OpenFlowClient, type FlowUpdate } from '../../src/openflow/index.js';
import { Waiters } from '../waiters.js';

/** Of the agent's cookies: the highest 16 bits. */
const agentTag = 0x5cdan;

/** `in_port → output` of the agent's cross-connects. */
export class FlowWatch implements AsyncDisposable {
  readonly waiters = new Waiters('in the flows');
  readonly #client: OpenFlowClient;
  readonly #outputs = new Map<number, number | undefined>();
  readonly #reading: Promise<void>;

  constructor(path: string) {
    const timing = { backoff: { baseMs: 1, capMs: 5 } };
    this.#client = new OpenFlowClient({ endpoint: { kind: 'unix', path }, random: Math.random, timing });
    this.#client.start();
    this.#reading = this.#read();
    this.#reading.catch((error: unknown) => this.waiters.fail(error));
  }

  get outputs(): ReadonlyMap<number, number | undefined> {
    return this.#outputs;
  }

  async #read(): Promise<void> {
    await this.#client.ready();
    for await (const update of this.#client.monitorFlows({})) {
      this.#take(update);
      this.waiters.look();
    }
  }

  #take(update: FlowUpdate): void {
    if (!('table' in update) || update.cookie >> 48n !== agentTag || update.table !== 0) return;
    const field = update.match.find((entry) => entry.field === 'in_port');
    if (field === undefined || field.field === 'raw') return;
    const inPort = Number(field.value);
    if (update.kind === 'removed') this.#outputs.delete(inPort);
    else {
      const output = update.instructions.apply?.find((action) => action.kind === 'output');
      this.#outputs.set(inPort, output?.kind === 'output' ? output.port : undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.#reading.catch(() => undefined);
  }
}
