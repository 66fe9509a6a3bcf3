/**
 * A typed client of the agent's API: functions for the methods of a generated service descriptor. Errors are AgentErrors with
 * the agent's own code. A stream is an async iterable, and reads no further than the one who iterates.
 */

import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import {
  create,
  fromBinary,
  toBinary,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import {
  Client,
  credentials,
  Metadata,
  type CallOptions as GrpcCallOptions,
  type ChannelCredentials,
  type ClientOptions,
  type ServiceError,
} from '@grpc/grpc-js';
import type { Clock } from '../lib/clock.js';
import { AgentError, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { silentError, toApiError } from './api-error.js';
import { describeTarget, type ApiCertificates, type ApiTarget } from './api-target.js';

export interface UnaryOptions {
  /** Ends the call; it fails with ABORTED. */
  readonly signal?: AbortSignal;
  /** Instead of that of the connection, ms. */
  readonly deadlineMs?: number;
}

export interface StreamOptions {
  readonly signal?: AbortSignal;
  /** The agent has something to say as soon as it is asked: the first message has the deadline of a unary call. */
  readonly isAnsweredAtOnce?: boolean;
}

type MethodOf<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: UnaryOptions) => Promise<MessageShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: StreamOptions) => AsyncIterable<MessageShape<O>>
      : never;

/** A function for each method of the service. */
export type ServiceClient<S extends DescService> = { readonly [K in keyof S['method']]: MethodOf<S['method'][K]> };

export interface ConnectOptions {
  readonly clock: Clock;
  /** For a unary call, ms. A stream has none. */
  readonly deadlineMs?: number;
  /** Longest pause before one who did not answer is dialled again, ms; by default that of grpc-js, two minutes. */
  readonly redialMsMax?: number;
}

/** A channel to one agent. Nothing is dialled before the first call. */
export interface ApiConnection {
  readonly target: ApiTarget;
  /** The methods of a service. */
  service<S extends DescService>(service: S): ServiceClient<S>;
  close(): void;
}

const deadlineMsDefault = 15_000;
/** A topology of thousands of objects is a few MiB; more than this is no answer of an agent. */
const messageBytesMax = 64 * 2 ** 20;

function readPem(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new AgentError('TLS_INVALID', `${what} ${safeText(file)} cannot be read: ${toError(cause).message}`, {
      cause,
      remedy: 'Name the files with --ca, --cert and --key, or in the context.',
    });
  }
}

/** TLS 1.3 with a certificate of one's own: the agent lets nobody else in. @throws AgentError TLS_INVALID */
function tlsCredentials({ caFile, certFile, keyFile }: ApiCertificates): ChannelCredentials {
  const pem = {
    ca: readPem(caFile, 'the certificate of the authority'),
    cert: readPem(certFile, 'the certificate'),
    key: readPem(keyFile, 'the key'),
  };
  try {
    return credentials.createFromSecureContext(createSecureContext({ ...pem, minVersion: 'TLSv1.3' }));
  } catch (cause) {
    throw new AgentError('TLS_INVALID', `the certificates cannot be used: ${toError(cause).message}`, {
      cause,
      remedy: `See whether ${certFile} and ${keyFile} are PEM and belong together.`,
    });
  }
}

function open(target: ApiTarget, redialMsMax: number | undefined): Client {
  const options: ClientOptions = {
    'grpc.max_receive_message_length': messageBytesMax,
    // The address is the one that was named, not one that some variable of the environment leads to.
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    // A new connection does not sit out the pause that another one to the same address has earned.
    'grpc.use_local_subchannel_pool': 1,
    ...(redialMsMax === undefined
      ? {}
      : { 'grpc.initial_reconnect_backoff_ms': redialMsMax, 'grpc.max_reconnect_backoff_ms': redialMsMax }),
  };
  if (target.kind === 'unix') return new Client(`unix:${target.path}`, credentials.createInsecure(), options);
  const name = target.serverName;
  const override = name === undefined ? {} : { 'grpc.ssl_target_name_override': name, 'grpc.default_authority': name };
  return new Client(describeTarget(target), tlsCredentials(target), { ...options, ...override });
}

const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error && 'code' in error && 'details' in error && 'metadata' in error;

class Connection implements ApiConnection {
  readonly target: ApiTarget;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #deadlineMs: number;

  constructor(target: ApiTarget, { clock, deadlineMs = deadlineMsDefault, redialMsMax }: ConnectOptions) {
    this.target = target;
    this.#client = open(target, redialMsMax);
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  service<S extends DescService>(service: S): ServiceClient<S> {
    const methods = service.methods.map((method): readonly [string, unknown] => [
      method.localName,
      method.methodKind === 'unary'
        ? (request: MessageInitShape<typeof method.input>, options?: UnaryOptions) =>
            this.#unary(method, request, options)
        : (request: MessageInitShape<typeof method.input>, options?: StreamOptions) =>
            this.#stream(method, request, options),
    ]);
    return Object.fromEntries(methods) as ServiceClient<S>;
  }

  close(): void {
    this.#client.close();
  }

  #error(error: unknown, deadlineMs?: number): Error {
    return isServiceError(error) ? toApiError(error, this.target, deadlineMs) : toError(error);
  }

  #unary(method: DescMethod, request: MessageInitShape<typeof method.input>, options: UnaryOptions = {}) {
    const { signal, deadlineMs = this.#deadlineMs } = options;
    return new Promise<Message>((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(abortedError());
        return;
      }
      const onAbort = (): void => call.cancel();
      const callOptions: GrpcCallOptions = { deadline: new Date(this.#clock.wallMs() + deadlineMs) };
      const call = this.#client.makeUnaryRequest<Message, Message>(
        pathOf(method),
        serializerOf(method),
        (bytes) => fromBinary(method.output, bytes),
        create(method.input, request),
        new Metadata(),
        callOptions,
        (error, response) => {
          signal?.removeEventListener('abort', onAbort);
          if (error !== null) reject(this.#error(error, deadlineMs));
          else if (response !== undefined) resolve(response);
          else reject(new AgentError('PEER_PROTOCOL', `the agent answered ${method.name} with nothing`));
        },
      );
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  async *#stream(
    method: DescMethod,
    request: MessageInitShape<typeof method.input>,
    { signal, isAnsweredAtOnce = false }: StreamOptions = {},
  ): AsyncGenerator<Message, void> {
    if (signal?.aborted === true) throw abortedError();
    const call = this.#client.makeServerStreamRequest<Message, Message>(
      pathOf(method),
      serializerOf(method),
      (bytes) => fromBinary(method.output, bytes),
      create(method.input, request),
      new Metadata(),
      {},
    );
    // The iterator tells of errors while it runs; the one of the cancellation below comes when it no longer listens.
    call.on('error', () => undefined);
    const onAbort = (): void => call.cancel();
    signal?.addEventListener('abort', onAbort, { once: true });
    const late = new AbortController();
    const onLate = (): void => {
      late.abort();
      call.cancel();
    };
    const timer = isAnsweredAtOnce ? this.#clock.after(this.#deadlineMs, onLate, true) : undefined;
    try {
      for await (const message of call as AsyncIterable<Message>) {
        timer?.cancel();
        yield message;
      }
    } catch (error) {
      throw late.signal.aborted ? silentError(this.target, this.#deadlineMs) : this.#error(error);
    } finally {
      timer?.cancel();
      signal?.removeEventListener('abort', onAbort);
      call.cancel();
    }
  }
}

const abortedError = (): AgentError => new AgentError('ABORTED', 'the call was ended before it began');

const pathOf = ({ parent, name }: DescMethod): string => `/${parent.typeName}/${name}`;

function serializerOf({ input }: DescMethod): (message: Message) => Buffer {
  return (message) => {
    const bytes = toBinary(input, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

/**
 * Prepares a channel to an agent.
 * @throws AgentError TLS_INVALID when certificates cannot be used
 */
export function connect(target: ApiTarget, options: ConnectOptions): ApiConnection {
  return new Connection(target, options);
}
