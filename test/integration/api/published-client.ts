/**
 * A client that knows the published proto files alone: they are loaded at run time by another implementation of protobuf than
 * the agent's own. Requests and answers are plain objects in the names of proto JSON.
 */

import { join } from 'node:path';
import {
  Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ChannelCredentials,
  type ClientReadableStream,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import protobuf from 'protobufjs';

export type Fields = Readonly<Record<string, unknown>>;

const protoDir = join(import.meta.dirname, '..', '..', '..', 'proto');
const files = ['explain', 'intent', 'journal', 'node', 'offload', 'stats', 'topology'];
const definition = loadSync(
  files.map((name) => `dpu/agent/v1/${name}.proto`),
  { includeDirs: [protoDir], longs: String, enums: String, defaults: true },
);

const errorTypes = new protobuf.Root();
errorTypes.resolvePath = (_origin, target) =>
  target.startsWith('google/protobuf/') ? target : join(protoDir, target.replace(`${protoDir}/`, ''));
errorTypes.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto']);

/** How a call failed, with what google.rpc.Status says. */
export interface Failure {
  readonly code: number;
  readonly message: string;
  /** ErrorInfo. */
  readonly reason: string | undefined;
  readonly facts: Readonly<Record<string, string>>;
  /** BadRequest. */
  readonly violations: readonly { readonly field: string; readonly description: string }[];
}

interface AnyJson {
  readonly type_url: string;
  readonly value: Uint8Array;
}

/** @throws TypeError for an error that is no status of gRPC */
export function failure(error: unknown): Failure {
  const { code, details, metadata } = error as ServiceError;
  const [bytes] = metadata.get('grpc-status-details-bin');
  const status =
    bytes === undefined
      ? {}
      : errorTypes
          .lookupType('google.rpc.Status')
          .decode(bytes as Buffer)
          .toJSON();
  const found = new Map<string, Fields>();
  if (bytes !== undefined) {
    const decoded = errorTypes.lookupType('google.rpc.Status').decode(bytes as Buffer) as unknown as {
      readonly details: readonly AnyJson[];
    };
    for (const { type_url: url, value } of decoded.details) {
      const name = url.slice(url.lastIndexOf('/') + 1);
      found.set(name, errorTypes.lookupType(name).decode(value).toJSON());
    }
  }
  const info = (found.get('google.rpc.ErrorInfo') ?? {}) as { reason?: string; metadata?: Record<string, string> };
  const bad = (found.get('google.rpc.BadRequest') ?? {}) as {
    fieldViolations?: readonly { readonly field: string; readonly description: string }[];
  };
  return {
    code,
    message: (status as { readonly message?: string }).message ?? details,
    reason: info.reason,
    facts: info.metadata ?? {},
    violations: bad.fieldViolations ?? [],
  };
}

/** The failure of a call that has to fail. @throws Error when it does not */
export async function refusalOf(called: Promise<unknown>): Promise<Failure> {
  const outcome = await called.then(
    () => undefined,
    (error: unknown) => failure(error),
  );
  if (outcome === undefined) throw new Error('the call was not refused');
  return outcome;
}

/** A stream with all that came of it. */
export class Watch<T> {
  readonly messages: T[] = [];
  /** How it ended; undefined when in order. */
  readonly ended: Promise<Failure | undefined>;
  isOpen = true;
  readonly #stream: ClientReadableStream<T>;

  constructor(stream: ClientReadableStream<T>) {
    this.#stream = stream;
    stream.on('data', (message: T) => this.messages.push(message));
    this.ended = new Promise((resolve) => {
      stream.once('error', (error) => resolve(failure(error)));
      stream.once('end', () => resolve(undefined));
    });
    void this.ended.then(() => (this.isOpen = false));
  }

  cancel(): void {
    this.#stream.cancel();
  }

  /** Reads no more, and lets the messages pile up on the way. */
  pause(): void {
    this.#stream.pause();
  }
}

export class PublishedClient implements Disposable {
  readonly #client: Client;

  /** @param address in words of gRPC: `unix:/path`, `host:port` */
  constructor(address: string, channel: ChannelCredentials = credentials.createInsecure(), options: object = {}) {
    this.#client = new Client(address, channel, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 500,
      'grpc.max_receive_message_length': 64 << 20,
      ...options,
    });
  }

  /** Calls a method such as `IntentService/Apply`; rejects with a ServiceError. */
  call<T = Fields>(method: string, request: Fields = {}, deadlineMs = 20_000): Promise<T> {
    const { path, requestSerialize, responseDeserialize } = methodOf(method);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize as (bytes: Buffer) => T,
        request,
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, answer) => {
          if (error === null) resolve(answer as T);
          else reject(error);
        },
      );
    });
  }

  watch<T = Fields>(method: string, request: Fields = {}): Watch<T> {
    const { path, requestSerialize, responseDeserialize } = methodOf(method);
    const deserialize = responseDeserialize as (bytes: Buffer) => T;
    return new Watch<T>(this.#client.makeServerStreamRequest<Fields, T>(path, requestSerialize, deserialize, request));
  }

  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function methodOf(name: string) {
  const [service = '', method = ''] = name.split('/');
  const packaged = loadPackageDefinition(definition)['dpu'] as unknown as {
    readonly agent: { readonly v1: Readonly<Record<string, ServiceClientConstructor>> };
  };
  const found = packaged.agent.v1[service]?.service[method];
  if (found === undefined) throw new Error(`the proto files have no ${name}`);
  return found;
}
