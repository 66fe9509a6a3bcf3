/**
 * The metrics of hardware offload: a part of the catalogue, in a file of its own for its length. Those that only the supervisor
 * can tell have no series while nobody supervises, and none of them is made of what Open vSwitch itself calls offloaded.
 */

import { counter, gauge } from './metric-build.js';

const database = 'the database';
const supervisor = 'the supervisor of offload';
const quick = 'ovs-vswitchd: upcall/show';
const dump = 'ovs-vswitchd: the newest whole dump of flows';
const devices = "the devices' own counters";
const insertion = 'ovs-vswitchd: dpctl/offload-stats-show';
const measurements = {
  labels: ['measurement'],
  values:
    'quick, slow, flows (commands of ovs-vswitchd by what they cost it), machine (files of the kernel), tools, rules (searches that somebody asked for)',
  from: "the supervisor's own count",
} as const;

/** Of the machine as a whole. */
export const offloadMetrics = {
  engine: gauge('info', 'offload_engine_info', 'What moves packets; always 1.', {
    labels: ['engine'],
    values: 'none, tc, dpdk, doca, userspace',
    from: database,
  }),
  configured: gauge('state', 'offload_configured', '1: other_config:hw-offload stands in the database.', {
    from: database,
  }),
  inEffect: gauge(
    'state',
    'offload_in_effect',
    '1: the ovs-vswitchd that runs offloads, 0: it does not, whatever the database says.',
    { from: supervisor },
  ),
  waiting: gauge('state', 'offload_waiting', '1: nothing is judged yet, for the machine may still configure itself.', {
    from: supervisor,
  }),
  objects: gauge('count', 'offload_objects', 'Where packets of objects are processed, as far as that is known.', {
    labels: ['kind', 'verdict', 'reason'],
    values: 'kind: port, attachment, chain; verdict: unknown, software, hardware, partial',
    from: 'database, counters and flows',
  }),
  packets: counter(
    'count',
    'offload_packets',
    'Packets at representors by where they were carried, since the agent looks; only growth that was seen, hw at least.',
    { labels: ['path'], values: 'hw, sw', from: devices },
  ),
  ratio: gauge(
    'ratio',
    'offload_ratio',
    'Packets of hardware by all packets, 0 to 1: by counters of ports over their window, by flows since each was made.',
    { labels: ['source'], values: 'counters, flows', from: 'counters of devices; the newest whole dump of flows' },
  ),
  flows: gauge('count', 'offload_flows', 'Flows of the datapaths, by where they are carried out.', {
    labels: ['tier'],
    values: 'hw, partial (software forwards each packet), tc_sw (TC on the CPU), kernel, pmd, unknown',
    from: dump,
  }),
  softwareFlows: gauge('count', 'offload_software_flows', 'Flows in software; each has exactly one reason.', {
    labels: ['reason'],
    values: 'reason: see docs/offload.md',
    from: dump,
  }),
  datapathFlows: gauge('count', 'offload_datapath_flows', 'Flows of a datapath, in hardware or not.', {
    labels: ['datapath'],
    from: quick,
  }),
  flowLimit: gauge('count', 'offload_flow_limit', 'How many flows a datapath takes.', {
    labels: ['datapath', 'kind'],
    values: 'kind: configured; effective (adapts itself, from 10 000 at each start: a small one alone means nothing)',
    from: quick,
  }),
  dumpDuration: gauge(
    'seconds',
    'offload_dump_duration_seconds',
    "What the last look of ovs-vswitchd's own revalidators at all flows took.",
    { labels: ['datapath'], from: quick },
  ),
  settings: gauge('count', 'offload_settings', 'Settings that are declared or stored, by how they stand.', {
    labels: ['verdict'],
    values: 'inEffect, applyLive, staged, restartRequired, dangerous, invalid, unknown',
    from: supervisor,
  }),
  configDrift: gauge(
    'state',
    'offload_config_drift',
    '1: ovs-vswitchd does not have what is declared, or else stored; no series where that is not known.',
    { labels: ['key'], values: 'key: see docs/offload.md', from: supervisor },
  ),
  restartRequired: gauge(
    'state',
    'offload_restart_required',
    '1: a setting takes effect with a restart of ovs-vswitchd only, which the agent never makes.',
    { from: supervisor },
  ),
  findings: gauge('count', 'offload_findings', 'What is wrong with offload, by reason.', {
    labels: ['reason'],
    values: 'reason: see docs/offload.md',
    from: supervisor,
  }),
  checks: gauge('count', 'offload_checks', 'Checks of offload that found nothing, and those that could not be made.', {
    labels: ['outcome'],
    values: 'outcome: clear, notTestable',
    from: supervisor,
  }),
  representors: gauge('count', 'offload_representors', "Representors of the host's functions, by state.", {
    labels: ['state'],
    values: 'expected (only where the configuration says how many), present, stale (ports without a device), down',
    from: supervisor,
  }),
  hugePages: gauge('bytes', 'offload_hugepages_bytes', 'Huge pages of each size.', {
    labels: ['size', 'state'],
    values: 'size: 2048kB and so on; state: total, free',
    from: 'the kernel',
  }),
  connections: gauge('count', 'offload_ct_connections', 'Tracked connections in a table that can be full.', {
    labels: ['table'],
    from: 'the kernel; ovs-vswitchd',
  }),
  connectionLimit: gauge('count', 'offload_ct_limit', 'How many tracked connections the table takes.', {
    labels: ['table'],
    from: 'the kernel; ovs-vswitchd',
  }),
  hardwareConnections: gauge('count', 'offload_ct_hardware_connections', 'Tracked connections in hardware.', {
    labels: ['direction'],
    values: "direction: both, one; of NVIDIA's build only",
    from: insertion,
  }),
  enqueued: gauge('count', 'offload_enqueued_flows', 'Flows that wait to be inserted into hardware now.', {
    from: insertion,
  }),
  inserted: gauge('count', 'offload_inserted_flows', 'Flows that userspace has in hardware now, or has marked.', {
    from: insertion,
  }),
  insertLatency: gauge('seconds', 'offload_insert_latency_seconds', 'Latency of an insertion into hardware.', {
    labels: ['stat'],
    values: 'mean, deviation',
    from: insertion,
  }),
  measuredAt: gauge(
    'timestamp',
    'offload_measurement_timestamp_seconds',
    'When the newest reading was made, since 1970 UTC: time() less it is the age.',
    measurements,
  ),
  measurements: counter('count', 'offload_measurements', 'Readings that were made.', measurements),
  measurementFailures: counter('count', 'offload_measurement_failures', 'Readings that failed.', measurements),
  collectorDuration: gauge(
    'seconds',
    'offload_collector_duration_seconds',
    'What the newest reading took, from the first question to the last answer.',
    measurements,
  ),
  mainThread: counter(
    'seconds',
    'offload_vswitchd_main_thread_seconds',
    'What the readings took of the main thread of ovs-vswitchd, at most.',
    measurements,
  ),
  slowdown: gauge(
    'ratio',
    'offload_slowdown',
    'How much longer than usual the agent waits between its questions; 1: ovs-vswitchd is not in trouble.',
    { from: supervisor },
  ),
  dumpsByItself: gauge('state', 'offload_flow_dumps', '1: flows are dumped without being asked for, 0: they are not.', {
    from: supervisor,
  }),
} as const;

/** Of each object; written by `series-writer.ts`. */
export const offloadObjectMetrics = {
  interfacePackets: counter(
    'count',
    'offload_interface_packets',
    "Packets by where they were carried, since the agent looks; only where the device's counters tell both.",
    {
      labels: ['interface', 'namespace', 'pod', 'path'],
      values: 'path: hw, sw; namespace and pod: only of an interface that is a pod’s',
      from: devices,
    },
  ),
  interfaceRatio: gauge('ratio', 'offload_interface_ratio', 'Packets of hardware by all packets, 0 to 1.', {
    labels: ['interface', 'namespace', 'pod', 'source'],
    values: 'source: counters (over their window), flows (since each was made)',
    from: 'counters of devices; the newest whole dump of flows',
  }),
  chainRatio: gauge('ratio', 'offload_chain_ratio', "The same of a chain's weakest hop.", {
    labels: ['chain', 'source'],
    values: 'source: counters, flows',
    from: 'counters of devices; the newest whole dump of flows',
  }),
} as const;
