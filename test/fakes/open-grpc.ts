/** Services behind the real adapter on a unix socket, with a gate that lets everybody in; and clients of them. */

import { create, fromBinary, toBinary, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import {
  Client,
  type ClientReadableStream,
  credentials,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { addService } from '../../src/api/grpc/adapter.js';
import { admit } from '../../src/api/grpc/admitted.js';
import type { AnyServiceEntry } from '../../src/api/grpc/service.js';
import {
  WatchTopologyRequestSchema,
  WatchTopologyResponseSchema,
} from '../../src/gen/proto/dpu/agent/v1/topology_pb.js';

const caller = { identity: 'test', roles: new Set(['viewer', 'operator'] as const), owners: undefined };

/** The context that the gate would give, its signal aborted when the caller has gone. */
const letIn: ServerInterceptor = (_method, base) => {
  const abort = new AbortController();
  return new ServerInterceptingCall(base, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, go) => {
          admit(metadata, { signal: abort.signal, caller });
          go(metadata);
        },
        onCancel: () => abort.abort(),
      }),
  });
};

export interface OpenServer {
  readonly bugs: unknown[];
  stop(): void;
}

/** Serves the services at the socket. */
export async function serveOpen(services: readonly AnyServiceEntry[], socket: string): Promise<OpenServer> {
  const bugs: unknown[] = [];
  const server = new Server({ interceptors: [letIn] });
  for (const service of services) addService(server, service, (bug) => bugs.push(bug));
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  return { bugs, stop: () => server.forceShutdown() };
}

/** A connection of its own, however many others there are to the same socket. */
export function connectTo(socket: string): Client {
  return new Client(`unix:${socket}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
}

export type TopologyMessage = MessageShape<typeof WatchTopologyResponseSchema>;

/** A watch that is read as the caller likes: `pause`, `resume`, `data`. */
export function watchTopology(
  client: Client,
  request: MessageInitShape<typeof WatchTopologyRequestSchema> = {},
): ClientReadableStream<TopologyMessage> {
  return client.makeServerStreamRequest(
    '/dpu.agent.v1.TopologyService/WatchTopology',
    (init: MessageInitShape<typeof WatchTopologyRequestSchema>) =>
      Buffer.from(toBinary(WatchTopologyRequestSchema, create(WatchTopologyRequestSchema, init))),
    (bytes) => fromBinary(WatchTopologyResponseSchema, bytes),
    request,
  );
}
