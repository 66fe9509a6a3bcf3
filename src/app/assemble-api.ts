/** Puts together how others see and steer the agent: the gRPC services, and HTTP beside them. Holds no rules. */

import type { AgentView } from '../agent/api-view.js';
import { AgentHealth } from '../api/agent-health.js';
import type { Address } from '../api/http/admission.js';
import type { AddressGuard } from '../api/grpc/address-guard.js';
import { GrpcApi, type Refusal } from '../api/grpc/server.js';
import type { ServiceEntry } from '../api/grpc/service.js';
import { HttpApi } from '../api/http/server.js';
import type { PeerCredentials } from '../api/peer-credentials.js';
import { explainService } from '../api/services/explain.js';
import { intentService } from '../api/services/intent.js';
import { journalService } from '../api/services/journal.js';
import { nodeService } from '../api/services/node.js';
import { offloadService } from '../api/services/offload.js';
import { statsService } from '../api/services/stats.js';
import { topologyService } from '../api/services/topology.js';
import type { Config, GrpcConfig } from '../config/config.js';
import type { Clock } from '../lib/clock.js';

export interface ApiOptions {
  readonly config: Config;
  readonly view: AgentView;
  readonly clock: Clock;
  readonly random: () => number;
  readonly version: string;
  readonly peerCredentials: PeerCredentials;
  readonly addressGuard: AddressGuard;
  /** User of this process. */
  readonly ownUid: number | undefined;
  /** Something that is tried again by itself went wrong, with `what`. */
  readonly onTrouble: (what: string, error: Error) => void;
  readonly onRefused: (refusal: Refusal) => void;
  readonly onBug: (error: unknown) => void;
}

export interface ApiPart {
  /** Begins to listen; resolves after the first try at each address, however that went. */
  start(): Promise<void>;
  /** Where it listens now. */
  addresses(): readonly string[];
  /** Takes over who may what; connections that this is about end. */
  setGrants(grants: GrpcConfig['grants']): void;
  close(): Promise<void>;
}

/** Every service of the API. */
export function apiServices(view: AgentView, clock: Clock): readonly ServiceEntry[] {
  const { instanceId, status, node, topology, intents, journal, stats, offload, explainer } = view;
  return [
    nodeService({ node, status, instanceId, clock }),
    topologyService({ topology, instanceId, clock }),
    intentService(intents),
    journalService({ journal, instanceId, clock }),
    statsService({ stats, clock }),
    offloadService({ offload, clock }),
    explainService(explainer),
  ];
}

function addressTexts(address: Address | undefined): readonly string[] {
  if (address === undefined) return [];
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return [`http ${host}:${address.port}`];
}

export function assembleApi(options: ApiOptions): ApiPart {
  const { config, view, clock, random, version, onTrouble, onRefused, onBug } = options;
  const { grpc: grpcConfig, http: httpConfig, metrics } = config.api;
  const services = apiServices(view, clock);
  const grpc =
    grpcConfig.mode === 'off'
      ? undefined
      : new GrpcApi({
          config: grpcConfig,
          runDir: config.agent.runDir,
          services,
          peerCredentials: options.peerCredentials,
          addressGuard: options.addressGuard,
          health: new AgentHealth(
            view.status,
            clock,
            services.map(({ service }) => service.typeName),
          ),
          ownUid: options.ownUid,
          clock,
          random,
          onTrouble: (error) => onTrouble('gRPC', error),
          onRefused,
          onBug,
        });
  const http =
    httpConfig.mode === 'off'
      ? undefined
      : new HttpApi({
          config: httpConfig,
          addressGuard: options.addressGuard,
          metrics,
          view,
          services,
          ...(grpc === undefined ? {} : { grpc: () => grpc.figures() }),
          version,
          clock,
          random,
          onTrouble: (error) => onTrouble('HTTP', error),
          onBug,
        });
  return {
    start: async () => {
      await Promise.all([grpc?.start(), http?.start()]);
    },
    addresses: () => [...(grpc?.addresses() ?? []), ...addressTexts(http?.address())],
    setGrants: (grants) => grpc?.setGrants(grants),
    close: async () => {
      await Promise.all([grpc?.close(), http?.close()]);
    },
  };
}
