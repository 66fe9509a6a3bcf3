/**
 * The checks of `dpuctl doctor`, each a function from facts to pass, fail or not testable. A check never guesses: what could
 * not be looked at is not testable. Nothing is repaired; a remedy that stops traffic says so.
 */

import { timestampMs } from '@bufbuild/protobuf/wkt';
import { ClusterState_State, LeaseState_State, OvsdbState_State } from '../gen/proto/dpu/agent/v1/common_pb.js';
import type { AttachSummary } from '../gen/proto/dpu/agent/v1/common_pb.js';
import { safeText } from '../lib/text.js';
import { datapathTypesOf, hugePageBytes, initState, isInitAsked, isSet } from '../offload/preflight.js';
import {
  fail,
  judge,
  pass,
  untestable,
  type Check,
  type CheckResult,
  type DatabaseFacts,
  type DoctorFacts,
} from './doctor-facts.js';
import { agentFirst, offloadFindings } from './doctor-offload.js';

const mib = 2 ** 20;
/** The agent takes about 100 MiB, and the kernel needs room: below this the next load ends in the OOM killer. */
const memoryAvailableMin = 256 * mib;
const stateDirFreeMin = 16 * mib;
/** As `attach` shows it: certificates and leases begin to fail from a few seconds on. */
const skewSecondsMax = 2;
/** Two seconds: file systems round times, and a package is unpacked shortly before the restart. */
const binaryNewerMs = 2_000;

const restartLoss = 'This stops traffic: flows are lost until the agent has put them back.';

// What the checks before have told in full.
const noAgent = 'the agent does not answer';
const noDatabase = 'the database was not read';
const noSwitch = 'ovs-vswitchd was not asked';

function agentAnswers({ status }: DoctorFacts): CheckResult {
  if (status.kind === 'known') return pass('it answers');
  return fail(
    status.why,
    'See systemctl status dpu-node-agent; start it where it does not run, and journalctl -u dpu-node-agent tells why it ended.',
  );
}

function agentReady({ status }: DoctorFacts): CheckResult {
  return judge(
    status,
    (value) => {
      if (value.isReady) return pass('every wanted object is ready');
      const open = value.conditions.filter(({ reason }) => reason !== 'Ready');
      const [first] = open;
      const why = first === undefined ? 'it is not ready' : safeText(first.message, 300);
      const more = open.length > 1 ? ` (and ${open.length - 1} more)` : '';
      return fail(`${why}${more}`, 'dpuctl status shows what is not ready; dpuctl why port|chain|pod NAME says why.');
    },
    noAgent,
  );
}

function configValid({ config }: DoctorFacts): CheckResult {
  return judge(config, ({ isValid, file, text }) =>
    isValid
      ? pass(safeText(file))
      : fail(safeText(text, 600), `Correct ${safeText(file)}; dpu-node-agent config check says where.`),
  );
}

function databaseReachable({ database }: DoctorFacts): CheckResult {
  if (database.kind === 'known') {
    const { endpoint, schemaVersion = 'unknown' } = database.value;
    return pass(`${endpoint}, schema ${schemaVersion}`);
  }
  return fail(database.why, 'Start ovsdb-server, or name its directory with --ovs-run-dir.');
}

function databaseSynced({ status }: DoctorFacts): CheckResult {
  return judge(
    status,
    ({ ovsdb }) => {
      if (ovsdb?.state === OvsdbState_State.SYNCED) return pass('the agent is in sync with it');
      return fail(
        `the agent is not in sync: ${safeText(ovsdb?.message ?? 'it does not say why', 300)}`,
        'See ovsdb.endpoints of the configuration.',
      );
    },
    noAgent,
  );
}

function vswitchdAlive({ vswitchd }: DoctorFacts): CheckResult {
  if (vswitchd.kind === 'known') return pass(`pid ${vswitchd.value.pid}, ${safeText(vswitchd.value.version, 100)}`);
  return fail(vswitchd.why, 'Start ovs-vswitchd; its log says why it ended or does not answer.');
}

function configApplied({ database }: DoctorFacts): CheckResult {
  return judge(
    database,
    ({ curCfg, nextCfg }) =>
      curCfg === nextCfg
        ? pass(`cur_cfg is next_cfg, ${curCfg}`)
        : fail(
            `cur_cfg ${curCfg} is not next_cfg ${nextCfg}: ovs-vswitchd has not done what was asked`,
            'Wait a moment and look again; if it stays, the log of ovs-vswitchd says what it is busy with.',
          ),
    noDatabase,
  );
}

function restoreWait({ database }: DoctorFacts): CheckResult {
  return judge(
    database,
    ({ otherConfig }) =>
      !isSet(otherConfig, 'flow-restore-wait')
        ? pass('flow-restore-wait is not set')
        : fail(
            'other_config:flow-restore-wait is true: a vswitchd that starts forwards nothing',
            'ovs-vsctl remove Open_vSwitch . other_config flow-restore-wait, unless a restart is under way that will do it.',
          ),
    noDatabase,
  );
}

const asksFor = ({ otherConfig }: DatabaseFacts, ...keys: readonly string[]): boolean =>
  keys.some((key) => ['true', 'try'].includes(otherConfig.get(key) ?? ''));

/** What DPDK and DOCA do not drive can be offloaded by the kernel only, and netdev is not the kernel's datapath. */
const isUserspaceOnly = (database: DatabaseFacts): boolean =>
  !asksFor(database, 'dpdk-init', 'doca-init') &&
  database.bridges.length > 0 &&
  database.bridges.every(({ datapathType }) => datapathType === 'netdev');

function offloadConfigured({ database }: DoctorFacts): CheckResult {
  return judge(
    database,
    (value) => {
      if (isUserspaceOnly(value))
        return untestable('all bridges are of the userspace datapath, which has no hardware here');
      if (asksFor(value, 'hw-offload')) {
        return pass(
          'other_config:hw-offload is true; whether it was so at the start of ovs-vswitchd, the database does not say',
        );
      }
      const isSet = value.otherConfig.has('hw-offload');
      const state = `other_config:hw-offload is ${isSet ? 'not true' : 'not set'}`;
      if (!asksFor(value, 'doca-init'))
        return untestable(`nobody asks for it: ${state}, packets are processed in software`);
      return fail(
        `doca-init asks for hardware, and ${state}: every packet is processed in software`,
        `ovs-vsctl set Open_vSwitch . other_config:hw-offload=true, then restart ovs-vswitchd. ${restartLoss}`,
      );
    },
    noDatabase,
  );
}

function needsInit(database: DatabaseFacts): CheckResult {
  const init = initState(database);
  if (init === undefined) return untestable('neither dpdk-init nor doca-init is asked for');
  const { what, state } = init;
  if (state === 'unknown') return untestable(`the schema has no column that says whether ${what} was initialised`);
  if (state === 'done') return pass(`${what} was initialised`);
  return fail(
    `${what} is asked for and was not initialised`,
    `See huge pages below and the log of ovs-vswitchd; it initialises ${what} at its start only. ${restartLoss}`,
  );
}

function binaryCurrent({ vswitchd }: DoctorFacts): CheckResult {
  return judge(
    vswitchd,
    ({ process }) => {
      if (process === undefined) return untestable('the process of ovs-vswitchd is not visible from here');
      const isNewer = process.binaryMs !== undefined && process.binaryMs - process.startedMs > binaryNewerMs;
      if (!process.isReplaced && !isNewer) return pass('ovs-vswitchd runs the binary that is on disk');
      return fail(
        'the binary on disk is newer than the ovs-vswitchd that runs',
        `Restart ovs-vswitchd in a maintenance window. ${restartLoss}`,
      );
    },
    noSwitch,
  );
}

function portsOpen({ database }: DoctorFacts): CheckResult {
  return judge(
    database,
    ({ interfaces }) => {
      const broken = interfaces.filter(({ ofport, error }) => ofport === -1 || error !== '');
      const [first] = broken;
      if (first === undefined) return pass(`all ${interfaces.length} interfaces are open`);
      const more = broken.length > 1 ? ` (and ${broken.length - 1} more)` : '';
      const why = first.error === '' ? 'ofport is -1' : safeText(first.error, 200);
      return fail(
        `interface ${safeText(first.name)} is not open: ${why}${more}`,
        `dpuctl why port ${safeText(first.name)}; stale ports of representors that are gone stay until their owner removes them.`,
      );
    },
    noDatabase,
  );
}

function oneDatapath({ database }: DoctorFacts): CheckResult {
  return judge(
    database,
    ({ bridges }) => {
      const types = datapathTypesOf(bridges);
      if (types.length === 0) return untestable('there is no bridge');
      if (types.length === 1) return pass(`all bridges have datapath ${safeText(types[0] ?? '')}`);
      return fail(
        `bridges have different datapaths: ${safeText(types.join(', '))}`,
        'Ports of different datapaths cannot be patched together; give all bridges the same datapath_type.',
      );
    },
    noDatabase,
  );
}

/** Whether somebody relies on an eSwitch: the database, or an agent that looks for the devices of pods in it. */
function needsSwitchdev({ database, status, node }: DoctorFacts): boolean {
  const isOffloaded =
    database.kind === 'known' && asksFor(database.value, 'hw-offload') && !isUserspaceOnly(database.value);
  const isSought = node.kind === 'known' && node.value.agent?.finder === 'switchdev';
  return isOffloaded || (isSought && status.kind === 'known' && status.value.attach !== undefined);
}

function switchdev(facts: DoctorFacts): CheckResult {
  const { machine, node } = facts;
  if (node.kind === 'known' && node.value.agent?.finder === 'simulated') {
    return untestable('the configuration takes simulated devices (representors.finder)');
  }
  return judge(machine, ({ devices }) => {
    const functions = devices.filter(({ portName }) => /pf\d+(vf|sf)\d+|pf\d+hpf|^pf\d+$/.test(portName));
    if (functions.length > 0)
      return pass(`${functions.length} representors, ${devices.length - functions.length} others`);
    const seen = devices.length === 0 ? 'no device has an eSwitch' : 'there are uplinks and no representors';
    if (!needsSwitchdev(facts)) return untestable(`${seen}, and nobody asks for one`);
    if (devices.length === 0) {
      return fail(
        `${seen}: there is no representor and no uplink`,
        'devlink dev eswitch show tells the mode; on a BlueField the firmware must be in DPU mode, not in NIC mode.',
      );
    }
    return fail(seen, 'Wait for the host to make its functions; without a host driver it has none.');
  });
}

function hugePages({ machine, database }: DoctorFacts): CheckResult {
  return judge(machine, ({ hugePages: sizes }) => {
    const { total, free } = hugePageBytes(sizes);
    const text = `${Math.floor(total / mib)} MiB of huge pages, ${Math.floor(free / mib)} MiB free`;
    if (total > 0) return pass(text);
    if (database.kind === 'unknown') return untestable('no huge pages; whether any are needed, the database would say');
    const keys = database.value.otherConfig;
    const isNeeded = (['dpdk-init', 'doca-init'] as const).some((key) => isInitAsked(keys, key));
    if (!isNeeded) return pass('no huge pages, and nothing is configured that needs them');
    return fail(
      'there are no huge pages, and ovs-vswitchd is to initialise DPDK or DOCA',
      'Reserve them (vm.nr_hugepages, or doca-hugepages) and restart ovs-vswitchd; leave memory for everything else.',
    );
  });
}

function memory({ machine }: DoctorFacts): CheckResult {
  return judge(machine, ({ memoryAvailableBytes, memoryBytes }) => {
    const text = `${Math.floor(memoryAvailableBytes / mib)} of ${Math.floor(memoryBytes / mib)} MiB available`;
    if (memoryAvailableBytes >= memoryAvailableMin) return pass(text);
    return fail(text, 'See what takes it (ps --sort=-rss); huge pages that nobody uses count too.');
  });
}

function stateDir({ stateDir: fact }: DoctorFacts): CheckResult {
  return judge(fact, ({ path, isWritable, freeBytes, damaged }) => {
    if (!isWritable)
      return fail(`${path} cannot be written`, 'See its owner, its mode and whether it is mounted read-only.');
    const [first] = damaged;
    if (first !== undefined) {
      return fail(
        `${safeText(first)} in ${path} was damaged and set aside`,
        'See whether what it held is in force (dpuctl get intents); remove the file then.',
      );
    }
    const text = `${path}, ${Math.floor(freeBytes / mib)} MiB free`;
    return freeBytes >= stateDirFreeMin ? pass(text) : fail(text, 'Make room on its file system.');
  });
}

function attachOf({ status }: DoctorFacts, check: (attach: AttachSummary) => CheckResult): CheckResult {
  return judge(
    status,
    ({ attach }) => (attach === undefined ? untestable('pods are not looked at (attach.mode is off)') : check(attach)),
    noAgent,
  );
}

function clusterReachable(facts: DoctorFacts): CheckResult {
  return attachOf(facts, ({ cluster }) => {
    if (cluster?.state === ClusterState_State.SYNCED) return pass(safeText(cluster.server));
    const why = safeText(cluster?.message ?? 'it does not say why', 300);
    return fail(
      `the API server of the host cluster is not reached: ${why}`,
      'See hostCluster of the configuration, and the way there.',
    );
  });
}

function clockSkew(facts: DoctorFacts): CheckResult {
  return attachOf(facts, ({ clockSkewSeconds: skew }) => {
    if (skew === undefined) return untestable('the clock of the API server is not known');
    const text = `the clock of the API server is ${Math.abs(skew).toFixed(1)} s ${skew < 0 ? 'behind' : 'ahead'}`;
    return Math.abs(skew) < skewSecondsMax ? pass(text) : fail(text, 'Synchronise both clocks: chronyc tracking.');
  });
}

function lease(facts: DoctorFacts): CheckResult {
  return attachOf(facts, ({ lease: state }) => {
    switch (state?.state) {
      case LeaseState_State.HELD: {
        const at = state.at === undefined ? '' : ` ${Math.round((facts.wallMs - timestampMs(state.at)) / 1_000)} s ago`;
        return pass(`this agent renewed it${at}`);
      }
      case LeaseState_State.DISABLED:
        return untestable('the configuration switches the lease off');
      case LeaseState_State.FOREIGN:
        return fail(
          `${safeText(state.holder)} renews the lease: nothing is plugged`,
          'Two agents serve the same node: stop one of them.',
        );
      default:
        return fail(
          `the lease is not held: ${safeText(state?.message ?? '', 300)}`,
          'See the rights of the agent: leases in its namespace.',
        );
    }
  });
}

function units({ units: fact }: DoctorFacts): CheckResult {
  return judge(fact, (list) => {
    const installed = list.filter(({ isInstalled }) => isInstalled);
    if (installed.length === 0) return untestable('no unit of the agent or of Open vSwitch is installed');
    const idle = installed.filter(({ isEnabled }) => !isEnabled).map(({ name }) => name);
    if (idle.length === 0) return pass(`enabled: ${installed.map(({ name }) => name).join(', ')}`);
    return fail(
      `not enabled: ${idle.join(', ')}`,
      `systemctl enable ${idle.join(' ')}; they would not start at the next boot.`,
    );
  });
}

/** All checks, in the order in which one would look. */
export const doctorChecks: readonly Check[] = [
  { name: 'agent-answers', run: agentAnswers },
  { name: 'agent-ready', run: agentReady },
  { name: 'config-valid', run: configValid },
  { name: 'state-dir', run: stateDir },
  { name: 'ovsdb-reachable', run: databaseReachable },
  { name: 'ovsdb-synced', run: databaseSynced },
  { name: 'vswitchd-alive', run: vswitchdAlive },
  { name: 'vswitchd-binary', run: binaryCurrent },
  { name: 'vswitchd-config', run: configApplied },
  { name: 'flow-restore-wait', run: agentFirst(['flow-restore-wait'], restoreWait) },
  {
    name: 'hw-offload',
    run: agentFirst(['hw-offload-in-effect', 'offload-off-with-ports'], offloadConfigured),
  },
  { name: 'offload-findings', run: (facts) => offloadFindings(facts, noAgent) },
  {
    name: 'dpdk-doca-init',
    run: agentFirst(['engine-initialized'], ({ database }) => judge(database, needsInit, noDatabase)),
  },
  { name: 'one-datapath', run: agentFirst(['datapaths-alike'], oneDatapath) },
  { name: 'ports-open', run: portsOpen },
  { name: 'switchdev', run: switchdev },
  { name: 'huge-pages', run: agentFirst(['huge-pages'], hugePages) },
  { name: 'memory', run: agentFirst(['memory'], memory) },
  { name: 'host-cluster', run: clusterReachable },
  { name: 'clock-skew', run: clockSkew },
  { name: 'lease', run: lease },
  { name: 'systemd-units', run: units },
];
