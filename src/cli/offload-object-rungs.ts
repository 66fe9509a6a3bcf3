/** The rungs of `dpuctl offload why` about one object: its port, by what it was measured, its largest flows. Pure. */

import { formatSpan } from '../attach/age-text.js';
import {
  OffloadMeasured_Source,
  OffloadPort_Kind,
  type OffloadFinding,
  type OffloadPort,
  type OffloadRow,
} from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { wallMsOf } from './decode.js';
import { rung, type OffloadLadderInput, type OffloadRung, type OffloadRungState } from './offload-rung.js';
import { count, lapse, names, sentence } from './offload-words.js';

/** Ports that its packets cross; before anything was measured, its interface. */
function portsOf({ measured, interface: device }: OffloadRow): readonly string[] {
  const { ports = [] } = measured ?? {};
  return ports.length > 0 || device === '' ? ports : [device];
}

const kindWords: Readonly<Partial<Record<OffloadPort_Kind, string>>> = {
  [OffloadPort_Kind.INTERNAL]: 'an internal port, with the stack of the DPU behind it: software always',
  [OffloadPort_Kind.TUNNEL]: 'a tunnel',
  [OffloadPort_Kind.PATCH]: 'a patch port, which is no port of the datapath: packets are seen at the ports beyond it',
};

/** What the agent knows of a port; undefined: nothing. */
function portText({ name, kind, provider, isProviderTold, eswitch }: OffloadPort): string | undefined {
  const word = kindWords[kind];
  const by = isProviderTold ? 'as ovs-vswitchd says' : 'by its type and device; ovs-vswitchd does not say';
  const where = eswitch === '' ? '' : `, eSwitch ${sentence(eswitch)}`;
  if (word !== undefined) return `${sentence(name)}: ${word}${where}`;
  if (kind === OffloadPort_Kind.UNSPECIFIED) return undefined;
  const served = provider === '' ? 'no offload provider serves it' : `offload provider ${sentence(provider)}`;
  return `${sentence(name)}: ${served}, ${by}${where}`;
}

/** Kinds at which packets never get into hardware. */
const software: ReadonlySet<OffloadPort_Kind> = new Set([OffloadPort_Kind.INTERNAL, OffloadPort_Kind.OTHER]);

/** What is known of its ports decides as far as it goes. */
function stateOfPorts(ports: readonly OffloadPort[]): OffloadRungState {
  if (ports.some(({ kind }) => software.has(kind))) return 'broken';
  return ports.some(({ kind }) => kind === OffloadPort_Kind.UNSPECIFIED || kind === OffloadPort_Kind.PATCH)
    ? 'unknown'
    : 'ok';
}

const lineOf = ({ reason, subject, message }: OffloadFinding): string =>
  `${sentence(reason)} ${sentence(subject)}: ${sentence(message)}`;

/**
 * Has it a port, does that stand for a function or a physical port, and does an offload provider serve it? What the agent
 * takes for a representor is told as such: simulated devices are found by their names.
 */
export function portRung(row: OffloadRow, { status: { supervision }, devices }: OffloadLadderInput): OffloadRung {
  const ports = portsOf(row);
  if (row.reason === 'NotOnSwitch' || ports.length === 0) {
    return rung('port', 'broken', 'it has no port on the switch, so there are no packets to speak of', {
      remedy: 'See dpuctl get ports, and dpuctl why of the object.',
    });
  }
  const shown = names(ports);
  const about = (supervision?.findings ?? []).filter(
    ({ subjectKind, subject }) => (subjectKind === 'port' || subjectKind === 'device') && ports.includes(subject),
  );
  const left = about.find(({ reason }) => reason === 'OffloadPortLeftOut');
  const details = about.filter((entry) => entry !== left).map(lineOf);
  if (left !== undefined) return rung('port', 'broken', lineOf(left), { details, remedy: sentence(left.remedy) });
  const [first] = about;
  const remedy = first === undefined ? '' : sentence(first.remedy);
  const texts = row.ports.map(portText);
  const known = texts.filter((text) => text !== undefined);
  if (known.length > 0 && known.length === texts.length) {
    const state = stateOfPorts(row.ports);
    const seen = known.length === 1 ? sentence(known.join()) : shown;
    return rung('port', first !== undefined && state === 'ok' ? 'advisory' : state, seen, {
      details: known.length === 1 ? details : [...known.slice(0, portsShownMax), ...details],
      remedy,
    });
  }
  const doubt = first === undefined ? 'unknown' : 'advisory';
  const more = { details, remedy };
  if (devices === undefined) {
    return rung('port', doubt, `${shown}; which devices are representors is not known`, more);
  }
  const alien = ports.filter((name) => !devices.has(name));
  if (alien.length > 0) return rung('port', doubt, `${shown}; ${names(alien)}: no representor and no uplink`, more);
  const served = supervision?.clear.includes('ports-have-a-provider')
    ? 'with an offload provider'
    : 'whether an offload provider serves it is not told';
  const state = first === undefined ? 'ok' : 'advisory';
  return rung('port', state, `${shown}: found as representor or uplink; ${served}`, more);
}

/** Ports of one object that are described each. */
const portsShownMax = 8;

const remedies: Readonly<Record<string, string>> = {
  NoTraffic: 'Send traffic for half a minute and look again.',
  WatchedTooShort: 'Wait a moment and look again.',
  NotMeasured: 'dpuctl offload flows --fresh has the flows looked at, where that may be.',
};

/** Its packets are never seen at its own ports. */
const isPatched = ({ ports }: OffloadRow): boolean =>
  ports.length > 0 && ports.every(({ kind }) => kind === OffloadPort_Kind.PATCH);

const noFlow =
  'Send traffic, and look again; dpuctl offload flows --fresh has the flows looked at now, where that may be.';

/** When the flows were dumped last, and why there is no newer dump. */
function dumpLines({ status: { supervision }, nowWallMs }: OffloadLadderInput): readonly string[] {
  const flows = supervision?.measurements.find(({ name }) => name === 'flows');
  const wallMs = wallMsOf(flows?.readAt);
  const refusal = supervision?.flowsRefusal ?? '';
  return [
    ...(wallMs === undefined ? [] : [`the flows were dumped ${formatSpan(nowWallMs - wallMs)} ago`]),
    ...(flows === undefined || flows.problem === '' ? [] : [sentence(flows.problem)]),
    ...(refusal === '' ? [] : [`not dumped without being asked for: ${sentence(refusal)}`]),
  ];
}

/** By what the verdict was measured. */
export function measuredRung(input: OffloadLadderInput): OffloadRung {
  const { row } = input;
  const details = dumpLines(input);
  if (row === undefined) {
    const { tiers = [], measurements = [] } = input.status.supervision ?? {};
    const broken = measurements
      .filter(({ problem }) => problem !== '')
      .map(({ name, problem }) => `${sentence(name)}: ${sentence(problem)}`);
    if (tiers.length === 0)
      return rung('measured', 'unknown', 'no whole dump of the flows was made', { details: broken });
    const some = tiers.filter(({ tally }) => (tally?.flows ?? 0n) > 0n);
    if (some.length === 0) return rung('measured', 'unknown', 'the newest dump has no flow', { details: broken });
    const flows = some.map(({ tier, tally }) => `${count(tally?.flows)} ${sentence(tier)}`).join(', ');
    return rung('measured', broken.length === 0 ? 'ok' : 'advisory', `flows of the newest dump: ${flows}`, {
      details: broken,
    });
  }
  const { measured, reason, message } = row;
  const { hardwarePackets = 0n, softwarePackets = 0n, window, sharedWith = [] } = measured ?? {};
  const shared = sharedWith.length === 0 ? [] : [`its packets include those of ${names(sharedWith)}`];
  switch (measured?.source) {
    case OffloadMeasured_Source.COUNTERS: {
      const seen = `by the counters of its port: ${count(hardwarePackets + softwarePackets)} packets in ${lapse(window)}`;
      return rung('measured', 'ok', seen, { details: [...details, ...shared] });
    }
    case OffloadMeasured_Source.FLOWS: {
      const { hardwareFlows, softwareFlows, apartFlows } = measured;
      const all = [hardwareFlows, softwareFlows, apartFlows].reduce((sum, of) => sum + (of?.flows ?? 0n), 0n);
      if (all === 0n)
        return rung('measured', 'unknown', 'the newest dump has no flow of it', {
          details,
          remedy: isPatched(row) ? '' : noFlow,
        });
      const seen = `by its flows: ${count(hardwareFlows?.flows)} in hardware, ${count(softwareFlows?.flows)} in software`;
      return rung('measured', 'ok', seen, { details: [...details, ...shared] });
    }
    default:
      return rung('measured', 'unknown', `no: ${sentence(message)}`, { details, remedy: remedies[reason] ?? '' });
  }
}

/** Fields that match anything, as `skb_mark(0/0)`: with -m ovs-vswitchd prints them all. */
const wildcards = /\b\w+\(0\/0\),/g;

/** The largest of its flows in software. */
export function flowsRung({ flows }: OffloadLadderInput): OffloadRung {
  if (typeof flows === 'string') return rung('flows', 'unknown', sentence(flows));
  const { flows: list, problems, readAt } = flows;
  const trouble = problems.map(sentence);
  if (readAt === undefined) return rung('flows', 'unknown', 'the flows were not dumped', { details: trouble });
  const lines = list.flatMap(({ packets, reason, inPort, outPorts, match, evidence, rules }) => [
    `${count(packets)} packets, ${sentence(reason)} (${sentence(evidence)}): ${sentence(inPort)} → ${names(outPorts, 4)}`,
    `  ${sentence(match.replace(wildcards, ''))}`,
    ...rules.slice(0, 4).map((rule) => `  rule ${sentence(rule)}`),
  ]);
  const seen =
    list.length === 0 ? 'the newest dump has none in software' : `the ${list.length} largest in software, by packets`;
  return rung('flows', list.length === 0 ? 'ok' : 'advisory', seen, { details: [...lines, ...trouble] });
}
