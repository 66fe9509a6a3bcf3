/**
 * Every metric of the agent. The only place that names them, with `catalogue-offload.ts`: what is exported, the reference page,
 * the dashboards' and the alerts' tests all read it here. Names end in their base unit, counters in `_total`; labels have few
 * values, but for the names of interfaces and pods, which are bounded by `api.metrics`.
 *
 * There is no `ovs_vswitchd_*` metric among them, although the counters of interfaces mean what other exporters' do: a node
 * that runs one of those as well would be counted twice by every sum.
 */

import { offloadMetrics, offloadObjectMetrics } from './catalogue-offload.js';
import { build, counter, gauge } from './metric-build.js';
import { prefix, type MetricSpec } from './metric-spec.js';

const status = "the agent's status";
const topology = 'the topology';
const database = "the database's Interface.statistics, as last told";
const book = "the loops' own count";

/** Of the agent as a whole. */
export const agentMetrics = {
  buildInfo: gauge('info', 'build_info', 'Version of the agent and of Node.js; always 1.', {
    labels: ['version', 'runtime'],
    from: 'the build',
  }),
  nodeInfo: gauge('info', 'node_info', 'What the agent runs on; always 1.', {
    labels: ['host_node', 'product', 'ovs_version', 'engine'],
    values: 'engine: doca, netdev, system, mixed, or empty while there is no bridge',
    from: 'firmware, kernel and database',
  }),
  ready: gauge('state', 'ready', '1: every wanted object is ready, and the status is fresh.', { from: status }),
  statusAge: gauge('seconds', 'status_age_seconds', 'Age of the status that the other metrics are made from.', {
    from: status,
  }),
  statusFresh: gauge('seconds', 'status_fresh_seconds', 'An older status than this is no evidence of anything.', {
    from: status,
  }),
  repairMode: gauge('state', 'repair_mode', '1 for the mode in force: only in `on` are differences repaired.', {
    labels: ['mode'],
    values: 'on, observe, bootGrace, standby',
    from: status,
  }),
  vswitchd: gauge('state', 'vswitchd_state', '1 for what ovs-vswitchd did when it was last asked at its sockets.', {
    labels: ['state'],
    values: 'alive, silent, unknown (there is no bridge to ask at)',
    from: status,
  }),
  ovsdb: gauge('state', 'ovsdb_state', '1 for the state of the connection to the Open vSwitch database.', {
    labels: ['state'],
    values: 'synced, connecting, closed',
    from: status,
  }),
  conditions: gauge('count', 'conditions', 'Conditions of wanted objects, by kind and state.', {
    labels: ['kind', 'state'],
    values: 'kind: bridge, port, chain, chainPort; state: ready, waiting, failed',
    from: status,
  }),
  notReady: gauge('count', 'objects_not_ready', 'Wanted objects that are not ready, by kind and reason.', {
    labels: ['kind', 'state', 'reason'],
    values: 'reason: see docs/errors.md',
    from: status,
  }),
  findings: gauge('count', 'findings', 'Differences that are reported and not repaired, by reason.', {
    labels: ['reason'],
    values: 'reason: see docs/errors.md',
    from: status,
  }),
  chains: gauge('count', 'chains', 'Service chains, by state and reason.', {
    labels: ['state', 'reason'],
    values: 'state: ready, waiting, failed',
    from: status,
  }),
  pending: gauge('count', 'pending_changes', 'Changes that the last plan still holds.', {
    labels: ['loop'],
    values: 'ports, attach',
    from: status,
  }),
} as const;

/** Of the loops and the clients under them. */
export const workMetrics = {
  sessionUp: gauge('state', 'session_up', '1: the session does what it is for.', {
    labels: ['protocol', 'peer'],
    values: 'protocol: ovsdb, openflow, kube; peer: endpoint, bridge or resource',
    from: 'the protocol clients',
  }),
  sessionConnects: counter('count', 'session_connects', 'Times a session came up.', {
    labels: ['protocol', 'peer'],
    from: 'the protocol clients',
  }),
  sessionFailures: counter('count', 'session_failures', 'Sessions and dials that ended without our wish.', {
    labels: ['protocol', 'peer'],
    from: 'the protocol clients',
  }),
  rounds: counter('count', 'loop_rounds', 'Looks at the world, by loop.', {
    labels: ['loop'],
    values: 'ports, chains, attach',
    from: book,
  }),
  writes: counter('count', 'loop_writes', 'Rounds that changed something, by loop.', {
    labels: ['loop'],
    values: 'ports, chains, attach',
    from: book,
  }),
  latency: build('histogram', 'seconds', `${prefix}loop_latency_seconds`, 'Time that a phase took.', {
    labels: ['loop', 'phase'],
    values:
      'phase: gather (event to look), plan (look and plan), apply (until the answer of who was asked), total (event to that answer)',
    from: book,
  }),
  repairs: counter(
    'count',
    'repairs',
    'Differences repaired, by kind of action; what is made for the first time too.',
    {
      labels: ['kind'],
      values: 'createPort, editInterface, attach, addFlow and so on',
      from: book,
    },
  ),
  flows: gauge('count', 'flows', 'Flows of the pipeline of chains, as last read back from the switch.', {
    labels: ['bridge'],
    from: 'flow monitors',
  }),
  journal: counter('count', 'journal_entries', 'Changes tried and requests made, by what became of them.', {
    labels: ['kind', 'outcome'],
    values: 'kind: change, audit, event; outcome: applied, conflict, refused, unknown',
    from: 'the journal',
  }),
  intents: gauge('state', 'intent_phase', "1 for how far the owner's bundle has come.", {
    labels: ['owner', 'phase'],
    values: 'phase: accepted, applied, ready, degraded',
    from: 'the intent desk',
  }),
  intentGeneration: gauge('count', 'intent_generation', "Generation of the owner's bundle that is in force.", {
    labels: ['owner'],
    from: 'the intent desk',
  }),
} as const;

/** Of the host cluster's pods. No series while pods are not looked at. */
export const podMetrics = {
  mode: gauge('state', 'attach_mode', '1 for whether pods are plugged, or why not.', {
    labels: ['mode'],
    values: 'on, observe, bootGrace, standby, leaseForeign, leaseUnknown, blind',
    from: status,
  }),
  pods: gauge('count', 'pods', 'Pods of the host node.', { from: status }),
  attachments: gauge('count', 'attachments', 'Networks of pods, by state and reason.', {
    labels: ['state', 'reason'],
    values: 'state: ready, waiting, failed; reason: see docs/errors.md',
    from: topology,
  }),
  cluster: gauge('state', 'host_cluster_state', "1 for the state of what is known of the host cluster's pods.", {
    labels: ['state'],
    values: 'synced, stale (changes do not arrive), connecting (nothing was read yet)',
    from: status,
  }),
  clusterStale: gauge(
    'seconds',
    'host_cluster_stale_seconds',
    'For how long changes have not arrived; 0 while they do.',
    {
      from: status,
    },
  ),
  clockSkew: gauge('seconds', 'host_cluster_clock_skew_seconds', "How far the API server's clock is ahead of ours.", {
    from: status,
  }),
  lease: gauge('state', 'lease_state', "1 for who renews the DPU's lease.", {
    labels: ['state'],
    values: 'disabled, unknown, held, foreign',
    from: status,
  }),
  leaseAge: gauge('seconds', 'lease_age_seconds', 'Time since the lease was renewed, or seen to be, the last time.', {
    from: status,
  }),
  statusWrites: counter('count', 'pod_status_writes', 'Statuses written to pods, by outcome.', {
    labels: ['outcome'],
    values: 'written, conflict, failed',
    from: status,
  }),
  statusWritesInFlight: gauge('count', 'pod_status_writes_in_flight', 'Statuses that are being written.', {
    from: status,
  }),
} as const;

/** Of devices and interfaces. */
export const switchMetrics = {
  representors: gauge('count', 'representors', 'Uplinks and representors of this machine.', {
    labels: ['kind', 'carrier', 'plugged'],
    values: 'kind: uplink, hostPf, hostVf, hostSf, localPf, localVf, localSf; carrier, plugged: yes, no',
    from: topology,
  }),
  interfaces: gauge('count', 'interfaces', 'Interfaces that have counters.', { from: database }),
  withoutSeries: gauge(
    'count',
    'interfaces_without_series',
    'Interfaces left out of the series below by api.metrics.representorsMax.',
    { from: database },
  ),
  countersAge: gauge(
    'seconds',
    'counters_age_seconds',
    'Time since any counter of an interface changed in the database. It grows on a switch without traffic, and says nothing then.',
    { from: database },
  ),
} as const;

const interfaceRest = {
  labels: ['bridge', 'interface', 'direction', 'namespace', 'pod'],
  values: 'direction: received (into the switch), sent; namespace and pod: only of an interface that is a pod’s',
  from: database,
} as const;

/** Of each interface; written by `series-writer.ts`. */
export const interfaceMetrics = {
  packets: counter('count', 'interface_packets', 'Packets.', interfaceRest),
  bytes: counter('bytes', 'interface_bytes', 'Bytes.', interfaceRest),
  drops: counter('count', 'interface_dropped_packets', 'Packets dropped.', interfaceRest),
  errors: counter('count', 'interface_errors', 'Errors.', interfaceRest),
} as const;

/** Of the API itself. */
export const apiMetrics = {
  grpcConnections: gauge('count', 'grpc_connections', 'Open connections of the gRPC API.', { from: 'the gRPC API' }),
  grpcStreams: gauge('count', 'grpc_streams', 'Calls of the gRPC API that are under way.', { from: 'the gRPC API' }),
  grpcRefusals: counter('count', 'grpc_refusals', 'Calls and connections that were refused, by reason.', {
    labels: ['reason'],
    values: 'reason: a code of docs/errors.md',
    from: 'the gRPC API',
  }),
  httpConnections: gauge('count', 'http_connections', 'Open connections of the HTTP API.', { from: 'the HTTP API' }),
  httpRequests: counter('count', 'http_requests', 'Answered requests of the HTTP API, by route and status.', {
    labels: ['route', 'code'],
    values: 'route: the path of a route, or other',
    from: 'the HTTP API',
  }),
  httpRefusals: counter('count', 'http_refusals', 'Requests and connections that were refused, by reason.', {
    labels: ['reason'],
    values: 'reason: a code of docs/errors.md, or malformed',
    from: 'the HTTP API',
  }),
  scrapeDuration: gauge('seconds', 'scrape_duration_seconds', 'How long the scrape before this one took.', {
    from: 'the HTTP API',
  }),
} as const;

const kernel = 'the kernel, Node.js';

/** Of the process. Names without the prefix are those of every Prometheus client, with the same meaning. */
export const processMetrics = {
  cpu: build('counter', 'seconds', 'process_cpu_seconds_total', 'User and system CPU time spent.', { from: kernel }),
  start: build('gauge', 'timestamp', 'process_start_time_seconds', 'Start of the process since 1970 UTC.', {
    from: kernel,
  }),
  resident: build('gauge', 'bytes', 'process_resident_memory_bytes', 'Resident memory.', { from: kernel }),
  fds: build('gauge', 'count', 'process_open_fds', 'Open file descriptors.', { from: kernel }),
  heap: gauge('bytes', 'heap_used_bytes', 'Memory that JavaScript objects use.', { from: kernel }),
  loopLag: gauge('seconds', 'event_loop_lag_seconds', 'How late the event loop was, in the last 30 s.', {
    labels: ['stat'],
    values: 'mean, p99, max',
    from: 'perf_hooks.monitorEventLoopDelay',
  }),
  loopActive: counter('seconds', 'event_loop_active_seconds', 'Time for which the event loop was busy.', {
    from: 'perf_hooks.eventLoopUtilization',
  }),
} as const;

/** The metrics by section of the reference, in its order. */
export const catalogueSections: Readonly<Record<string, Readonly<Record<string, MetricSpec>>>> = {
  'The agent': agentMetrics,
  'Loops, sessions, intents': workMetrics,
  'Pods of the host cluster': podMetrics,
  Devices: switchMetrics,
  Interfaces: interfaceMetrics,
  'Hardware offload': offloadMetrics,
  'Hardware offload of objects': offloadObjectMetrics,
  'The API': apiMetrics,
  'The process': processMetrics,
};

/** Every metric. */
export const catalogue: readonly MetricSpec[] = Object.values(catalogueSections).flatMap((section) =>
  Object.values(section),
);
