/** A gRPC server on a socket of its own with a service made of functions, and real clients of grpc-js for it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type ClientSessionOptions } from 'node:http2';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary, type DescMethod, type Message, type MessageShape } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { JournalService } from '../../../src/gen/proto/dpu/agent/v1/journal_pb.js';
import { StatusSchema, type Status } from '../../../src/gen/proto/google/rpc/status_pb.js';
import { GrpcApi, type GrpcApiOptions, type Refusal } from '../../../src/api/grpc/server.js';
import type { ServiceEntry, ServiceHandlers } from '../../../src/api/grpc/service.js';
import type { Identity } from '../../../src/api/identity.js';
import { systemClock } from '../../../src/lib/clock.js';
import type { AgentError } from '../../../src/lib/errors.js';

export type JournalHandlers = ServiceHandlers<typeof JournalService>;
export type JournalEntryOptions = Omit<ServiceEntry<typeof JournalService>, 'service' | 'handlers'>;

export const list = JournalService.method.listEntries;
export const watch = JournalService.method.watchEntries;

export class Rig {
  readonly dir: string;
  readonly api: GrpcApi;
  readonly bugs: unknown[] = [];
  readonly troubles: AgentError[] = [];
  readonly refusals: Refusal[] = [];
  readonly #clients: Client[] = [];

  private constructor(dir: string, makeApi: (rig: Rig) => GrpcApi) {
    this.dir = dir;
    this.api = makeApi(this);
  }

  /** Whoever comes over the socket is `identity`: root, unless a test says otherwise. */
  static async start(
    handlers: Partial<JournalHandlers>,
    options: Partial<GrpcApiOptions> & { readonly identity?: Identity; readonly entry?: JournalEntryOptions } = {},
  ): Promise<Rig> {
    const dir = await mkdtemp(join(tmpdir(), 'grpc-test-'));
    const { identity = { kind: 'process', uid: 0, gids: [0], pid: 1 }, entry = {}, ...rest } = options;
    const service = { service: JournalService, handlers: { ...idle, ...handlers }, ...entry };
    const rig = new Rig(
      dir,
      ({ bugs, troubles, refusals }) =>
        new GrpcApi({
          config: { listen: [], grants: [], reflection: false },
          health: { current: () => new Map(), onChange: () => () => undefined },
          runDir: dir,
          services: [service],
          peerCredentials: { peerOf: () => Promise.resolve(identity) },
          addressGuard: () => undefined,
          ownUid: undefined,
          clock: systemClock,
          random: Math.random,
          onTrouble: (error) => troubles.push(error),
          onBug: (thrown) => bugs.push(thrown),
          onRefused: (refusal) => refusals.push(refusal),
          ...rest,
        }),
    );
    await rig.api.start();
    return rig;
  }

  get socket(): string {
    return join(this.dir, 'api.sock');
  }

  /** A connection of its own. */
  client(
    address = `unix:${this.socket}`,
    channel: ChannelCredentials = credentials.createInsecure(),
    options: object = {},
  ): Client {
    const client = new Client(address, channel, { 'grpc.use_local_subchannel_pool': 1, ...options });
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.api.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}

const idle: JournalHandlers = {
  listEntries: () => ({}),
  // eslint-disable-next-line @typescript-eslint/require-await -- a stream that ends at once
  watchEntries: async function* () {
    yield* [];
  },
};

type Input<M extends DescMethod> = MessageShape<M['input']>;
type Output<M extends DescMethod> = MessageShape<M['output']>;

const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;
const serializer =
  (method: DescMethod) =>
  (message: Message): Buffer =>
    Buffer.from(toBinary(method.input, message));
const deserializer =
  (method: DescMethod) =>
  (bytes: Buffer): Message =>
    fromBinary(method.output, bytes);

export interface CallOptions {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** Calls a unary method; rejects with the ServiceError. */
export function call<M extends DescMethod>(
  client: Client,
  method: M,
  request: Partial<Input<M>> = {},
  { deadlineMs = 10_000, signal }: CallOptions = {},
): Promise<Output<M>> {
  return new Promise((resolve, reject) => {
    const made = client.makeUnaryRequest(
      pathOf(method),
      serializer(method),
      deserializer(method),
      create(method.input, request),
      new Metadata(),
      { deadline: Date.now() + deadlineMs },
      (error, answer) => (error === null ? resolve(answer as Output<M>) : reject(error)),
    );
    signal?.addEventListener('abort', () => made.cancel(), { once: true });
  });
}

/** Opens a stream. */
export function stream(
  client: Client,
  method: DescMethod,
  request: Record<string, unknown> = {},
  deadlineMs = 60_000,
): ReturnType<typeof client.makeServerStreamRequest<Message, Message>> {
  return client.makeServerStreamRequest(
    pathOf(method),
    serializer(method),
    deserializer(method),
    create(method.input, request),
    new Metadata(),
    { deadline: Date.now() + deadlineMs },
  );
}

/** How a stream ended. */
export function endOf(opened: ReturnType<typeof stream>): Promise<ServiceError | undefined> {
  return new Promise((resolve) => {
    opened.on('data', () => undefined);
    opened.once('error', (error) => resolve(error as ServiceError));
    opened.once('end', () => resolve(undefined));
  });
}

/** How a call failed. @throws when it did not */
export async function failureOf(made: Promise<unknown>): Promise<ServiceError> {
  const outcome = await made.then(
    () => undefined,
    (error: unknown) => error as ServiceError,
  );
  if (outcome === undefined) throw new Error('the call succeeded');
  return outcome;
}

/** google.rpc.Status of a failed call. */
export function richStatusOf({ metadata }: ServiceError): Status {
  const [bytes] = metadata.get('grpc-status-details-bin');
  return fromBinary(StatusSchema, bytes as Buffer);
}

/** A client of HTTP/2 that knows nothing of gRPC, for what a well-behaved client does not do. */
export class RawClient {
  readonly session: ClientHttp2Session;

  constructor(rig: Rig, options: ClientSessionOptions = {}) {
    this.session = connect('http://localhost', { ...options, createConnection: () => createConnection(rig.socket) });
    this.session.on('error', () => undefined);
  }

  /** Opens a call; with a message it is sent whole. */
  open(method: DescMethod, message?: Buffer, headers: Record<string, string> = {}): ClientHttp2Stream {
    const opened = this.session.request({
      ':method': 'POST',
      ':path': pathOf(method),
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    opened.on('error', () => undefined);
    if (message !== undefined) opened.end(frame(message));
    return opened;
  }
}

/** A gRPC message as it goes over HTTP/2: not compressed, with its length. */
export function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
