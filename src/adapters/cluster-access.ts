/**
 * From the configuration's section on the host cluster to a client for it. Reads no file: the client does, each time when
 * it needs one, so that a rotated token or certificate is taken over without a restart.
 */

import type { ClusterAccess, ServerAccess } from '../config/config.js';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { KubeClient, serviceAccountDir } from '../kube/index.js';
import type { ClusterAccessOptions, KubeClientOptions } from '../kube/index.js';

/** The variables of the environment that tell a pod where its API server is. */
export interface ClusterEnvironment {
  readonly KUBERNETES_SERVICE_HOST?: string | undefined;
  readonly KUBERNETES_SERVICE_PORT?: string | undefined;
}

/** What field managers and audit logs of the API server call this program. */
export const userAgentPrefix = 'dpu-node-agent';

/**
 * A client for the host cluster.
 * @param version of this program
 * @throws AgentError KUBE_CREDENTIALS when the configuration says `inCluster` and this is no pod
 */
export function clusterClient(
  access: ClusterAccess,
  environment: ClusterEnvironment,
  version: string,
  options: Omit<KubeClientOptions, 'access' | 'userAgent'> = {},
): KubeClient {
  // The API server names a field manager after what comes before the slash.
  const userAgent = `${userAgentPrefix}/${version}`;
  return new KubeClient({ ...options, access: accessOptions(access, environment), userAgent });
}

/** What goes to the host cluster, on connections of two kinds that do not wait for one another. */
export interface ClusterClients {
  /** For pods, definitions, statuses and events. */
  readonly work: KubeClient;
  /** For the lease alone: a thousand statuses that a slow server holds up must not let it run out. */
  readonly lease: KubeClient;
  close(): void;
}

/** Connections beside those for statuses: lists of pods and definitions, and events. */
const otherCallsMax = 4;

/** The lease is kept by one request after another. */
const leaseCallsMax = 2;

/**
 * The clients for the host cluster.
 * @param version of this program
 * @throws AgentError KUBE_CREDENTIALS when the configuration says `inCluster` and this is no pod
 */
export function clusterClients(
  access: ClusterAccess,
  environment: ClusterEnvironment,
  version: string,
  { clock, statusConcurrency }: { readonly clock?: Clock; readonly statusConcurrency: number },
): ClusterClients {
  const open = (callSocketsMax: number): KubeClient =>
    clusterClient(access, environment, version, { ...(clock === undefined ? {} : { clock }), callSocketsMax });
  const work = open(statusConcurrency + otherCallsMax);
  const lease = open(leaseCallsMax);
  const close = (): void => {
    work.close();
    lease.close();
  };
  return { work, lease, close };
}

/**
 * How the client is told where the cluster is.
 * @throws AgentError KUBE_CREDENTIALS when the configuration says `inCluster` and this is no pod
 */
export function accessOptions(access: ClusterAccess, environment: ClusterEnvironment): ClusterAccessOptions {
  switch (access.kind) {
    case 'kubeconfig':
      return { kind: 'kubeconfig', file: access.kubeconfig, context: access.context };
    case 'inCluster':
      return inCluster(environment);
    case 'server':
      return { kind: 'server', server: access.server, ...identity(access), ...authority(access) };
  }
}

function inCluster(environment: ClusterEnvironment): ClusterAccessOptions {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (host === undefined || host === '' || port === undefined || port === '') {
    throw new AgentError('KUBE_CREDENTIALS', 'hostCluster.inCluster is set, but the agent does not run in a pod', {
      facts: { missing: 'KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT' },
      remedy:
        'Give hostCluster.kubeconfig, or a server with a token; a pod of the DPU cluster has no access to the host’s.',
    });
  }
  return { kind: 'inCluster', host, port, dir: serviceAccountDir };
}

function identity({
  identity: found,
}: ServerAccess): { tokenFile: string } | { certFile: string; keyFile: string } | object {
  if (found === undefined) return {};
  return found.kind === 'token' ? { tokenFile: found.tokenFile } : { certFile: found.certFile, keyFile: found.keyFile };
}

function authority({ authority: found }: ServerAccess): { caFile: string } | { caData: string } | object {
  if (found === undefined) return {};
  return found.kind === 'file' ? { caFile: found.caFile } : { caData: found.pem };
}
