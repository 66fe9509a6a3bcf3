/** What the tests of steering commands share: a server with a desk behind it, and a context that remembers what was printed. */
import { status as grpcStatus } from '@grpc/grpc-js';
import type { CallContext } from '../../src/api/grpc/service.js';
import { intentService } from '../../src/api/services/intent.js';
import { connect, type ApiConnection } from '../../src/cli/api-client.js';
import type { CommandContext, OutputFormat } from '../../src/cli/command-context.js';
import { IntentService } from '../../src/gen/proto/dpu/agent/v1/intent_pb.js';
import { systemClock } from '../../src/lib/clock.js';
import { AgentError } from '../../src/lib/errors.js';
import { FakeIntentDesk } from '../fakes/intent-desk.js';
import { served, TestServer, type Served } from './grpc-server.js';

/** A connection to the server's socket. */
export function connectTo(path: string): ApiConnection {
  return connect({ kind: 'unix', path }, { clock: systemClock });
}

export interface Recorded extends CommandContext {
  readonly printed: string[];
  readonly warned: string[];
  readonly abort: AbortController;
}

/** A context whose output can be read. */
export function recordingContext(connection: ApiConnection, format: OutputFormat = 'table'): Recorded {
  const printed: string[] = [];
  const warned: string[] = [];
  const abort = new AbortController();
  return {
    connection,
    clock: systemClock,
    random: () => 0,
    signal: abort.signal,
    format,
    isTerminal: false,
    print: (text) => void printed.push(text),
    warn: (text) => void warned.push(text),
    printed,
    warned,
    abort,
  };
}

function toStatus(error: unknown): Error {
  if (!(error instanceof AgentError)) return error as Error;
  const code = error.code === 'NOT_FOUND' ? grpcStatus.NOT_FOUND : grpcStatus.INVALID_ARGUMENT;
  return Object.assign(new Error(error.message), { code, details: error.message });
}

/** IntentService over the desk, for an operator. */
export function intentsOf(desk: FakeIntentDesk): Served {
  const caller = { identity: 'test', roles: new Set(['operator'] as const), owners: undefined };
  const { handlers } = intentService(desk);
  const as = <I, O>(call: (request: I, context: CallContext) => O | Promise<O>) => {
    return async (request: I, { signal }: { readonly signal: AbortSignal }): Promise<O> => {
      try {
        return await call(request, { signal, caller });
      } catch (error) {
        throw toStatus(error);
      }
    };
  };
  return served(IntentService, {
    apply: as(handlers.apply),
    get: as(handlers.get),
    list: as(handlers.list),
    delete: as(handlers.delete),
    watchStatus: (request, { signal }) => handlers.watchStatus(request, { signal, caller }),
  });
}

export interface Steering extends AsyncDisposable {
  readonly desk: FakeIntentDesk;
  readonly server: TestServer;
  readonly connection: ApiConnection;
}

/** A server with a desk in memory, and a connection to it. */
export async function startSteering(...more: readonly Served[]): Promise<Steering> {
  const desk = new FakeIntentDesk();
  const server = await TestServer.start(intentsOf(desk), ...more);
  const connection = connectTo(server.path);
  return {
    desk,
    server,
    connection,
    async [Symbol.asyncDispose]() {
      connection.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
