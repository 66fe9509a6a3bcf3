/** A real gRPC server on a private unix socket, for tests of what calls it: plain functions behind the generated descriptors. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  create,
  fromBinary,
  toBinary,
  type DescService,
  type Message,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { statusOfError } from '../../src/api/grpc/errors.js';
import type { ServiceHandlers } from '../../src/api/grpc/service.js';
import { AgentError } from '../../src/lib/errors.js';

type Handlers<S extends DescService> = Partial<ServiceHandlers<S>>;

/** A service with those of its methods that the test answers. */
export interface Served<S extends DescService = DescService> {
  readonly service: S;
  readonly handlers: Handlers<S>;
}

/** Ties handlers to their descriptor, so that they are checked. */
export function served<S extends DescService>(service: S, handlers: Handlers<S>): Served {
  return { service, handlers };
}

type AnyHandler = (request: Message, context: { signal: AbortSignal }) => unknown;

/** An error of the agent as the agent tells it; another one as it is. */
function told(error: unknown): Error | ReturnType<typeof statusOfError> {
  return error instanceof AgentError ? statusOfError(error) : (error as Error);
}

async function stream(call: ServerWritableStream<Message, Message>, messages: AsyncIterable<Message>): Promise<void> {
  try {
    for await (const message of messages) {
      if (call.cancelled) return;
      if (!call.write(message)) await new Promise<void>((resolve) => void call.once('drain', resolve));
    }
    call.end();
  } catch (error) {
    call.emit('error', told(error));
  }
}

function definitionOf(service: DescService): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => [
      method.localName,
      {
        path: `/${service.typeName}/${method.name}`,
        requestStream: false,
        responseStream: method.methodKind === 'server_streaming',
        requestSerialize: (message: Message) => Buffer.from(toBinary(method.input, message)),
        requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
        responseSerialize: (message: MessageInitShape<typeof method.output>) =>
          Buffer.from(toBinary(method.output, create(method.output, message))),
        responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
      },
    ]),
  );
}

function implementationOf({ service, handlers }: Served): UntypedServiceImplementation {
  const known = handlers as unknown as Readonly<Record<string, AnyHandler | undefined>>;
  return Object.fromEntries(
    service.methods.flatMap((method): readonly (readonly [string, never])[] => {
      const handler = known[method.localName];
      if (handler === undefined) return [];
      const signalOf = (call: { on(event: 'cancelled', listener: () => void): unknown }): AbortSignal => {
        const controller = new AbortController();
        call.on('cancelled', () => controller.abort());
        return controller.signal;
      };
      const unary = (call: ServerUnaryCall<Message, Message>, done: sendUnaryData<Message>): void => {
        void (async () => handler(call.request, { signal: signalOf(call) }) as Promise<Message>)().then(
          (answer) => done(null, answer),
          (error: unknown) => done(told(error)),
        );
      };
      const streaming = (call: ServerWritableStream<Message, Message>): void => {
        void stream(call, handler(call.request, { signal: signalOf(call) }) as AsyncIterable<Message>);
      };
      return [[method.localName, (method.methodKind === 'unary' ? unary : streaming) as never]];
    }),
  );
}

export class TestServer implements AsyncDisposable {
  readonly path: string;
  readonly #dir: string;
  readonly #server: Server;

  private constructor(dir: string, server: Server) {
    this.#dir = dir;
    this.path = join(dir, 'api.sock');
    this.#server = server;
  }

  /** The run directory in which the socket is. */
  get runDir(): string {
    return this.#dir;
  }

  static async start(...services: readonly Served[]): Promise<TestServer> {
    const dir = await mkdtemp(join(tmpdir(), 'grpc-'));
    const server = new Server();
    for (const entry of services) server.addService(definitionOf(entry.service), implementationOf(entry));
    const started = new TestServer(dir, server);
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${started.path}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
    await rm(this.#dir, { recursive: true, force: true });
  }
}
