/**
 * The flows of a switch of three or more ports. It learns by the switch's own `learn` action, so no frame waits for the
 * agent and the switch goes on learning while the agent is away. What is learned is only a number: whether it may be used
 * is decided in table `deliver`, which names the ports of this switch and no others; a number that has meanwhile gone to
 * somebody else's port leads to flooding within the switch, never to that port.
 */

import type { ChainIntent } from '../model/chain.js';
import type { FieldPart, Flow, FlowAction, FlowMatch, LearnAction, LearnPart, RegisterName } from '../model/flow.js';
import type { ResolvedPort } from './resolved.js';
import { priorities, tables } from './tables.js';

export interface LearningSwitch {
  readonly chain: ChainIntent;
  /** Every port of the switch, whether flows may name it or not. */
  readonly declared: readonly ResolvedPort[];
  /** Those that flows may name, sorted by number. */
  readonly ports: readonly (ResolvedPort & { readonly ofport: number })[];
  readonly metadata: bigint;
  readonly cookie: bigint;
}

/** Group addresses have the lowest bit of the first octet set (IEEE 802-2014 section 8.2.2). */
const groupBit = '01:00:00:00:00:00';

const whole = {
  metadata: { field: 'metadata', offset: 0, bits: 64 },
  ethSrc: { field: 'ethSrc', offset: 0, bits: 48 },
  ethDst: { field: 'ethDst', offset: 0, bits: 48 },
  inPort: { field: 'inPort', offset: 0, bits: 16 },
  vid: { field: 'vlanTci', offset: 0, bits: 12 },
} as const satisfies Record<string, FieldPart>;

const portOf = (register: RegisterName): FieldPart => ({ field: register, offset: 0, bits: 16 });
const matchPart = (src: FieldPart, dst = src): LearnPart => ({ kind: 'match', src, dst });

/**
 * Whether frames of several VLANs can be inside the switch. The same station may then be behind different ports in
 * different VLANs, so it is learned in each (independent learning, IEEE 802.1Q section 8.8.9).
 */
export function carriesVlans(ports: readonly ResolvedPort[]): boolean {
  return ports.some(({ wire }) => wire.kind === 'any');
}

function learn(entry: LearningSwitch, table: number, address: LearnPart, register: RegisterName): LearnAction {
  const vlan = carriesVlans(entry.declared) ? [matchPart(whole.vid)] : [];
  return {
    kind: 'learn',
    table,
    priority: priorities.learned,
    cookie: entry.cookie,
    // The hard timeout starts anew with every frame *from* the station; the idle timeout counts frames *to* it.
    hardTimeout: entry.chain.ageingSeconds,
    limit: entry.chain.stationCountMax,
    parts: [matchPart(whole.metadata), ...vlan, address, { kind: 'load', src: whole.inPort, dst: portOf(register) }],
  };
}

function flow(
  entry: LearningSwitch,
  table: number,
  priority: number,
  match: FlowMatch,
  actions: readonly FlowAction[],
): Flow {
  const { metadata, cookie } = entry;
  return { table, priority, match: { ...match, metadata }, actions, cookie, idleTimeout: 0, hardTimeout: 0 };
}

const lookUp: readonly FlowAction[] = [
  { kind: 'resubmit', table: tables.station },
  { kind: 'goto', table: tables.deliver },
];

function learnStation(entry: LearningSwitch): LearnAction {
  return learn(entry, tables.station, matchPart(whole.ethSrc, whole.ethDst), 'reg0');
}

function learnHome(entry: LearningSwitch): LearnAction {
  return learn(entry, tables.home, matchPart(whole.ethSrc), 'reg1');
}

/** Stations that the intent pins: known without learning, and nowhere else, even while their port is away. */
function pinnedFlows(entry: LearningSwitch): readonly Flow[] {
  const elsewhere = entry.declared.flatMap(({ intent }) =>
    intent.pinnedMacs.map((mac) =>
      flow(entry, tables.admit, priorities.admitPinnedElsewhere, { ethSrc: { value: mac } }, []),
    ),
  );
  const here = entry.ports.flatMap(({ ofport, intent }) =>
    intent.pinnedMacs.flatMap((mac) => [
      flow(entry, tables.admit, priorities.admitPinned, { inPort: ofport, ethSrc: { value: mac } }, lookUp),
      flow(entry, tables.station, priorities.stationPinned, { ethDst: { value: mac } }, [
        { kind: 'loadRegister', register: 'reg0', value: ofport },
      ]),
    ]),
  );
  return [...elsewhere, ...here];
}

function admitFlows(entry: LearningSwitch): readonly Flow[] {
  const groupSource = { ethSrc: { value: groupBit, mask: groupBit } };
  const admitted: readonly FlowAction[] =
    entry.chain.macMove === 'allow'
      ? [learnStation(entry), ...lookUp]
      : [
          { kind: 'resubmit', table: tables.home },
          { kind: 'goto', table: tables.settle },
        ];
  return [
    // No station has a group address (IEEE 802-2014 section 8.2.2); learning one would turn multicast into unicast.
    flow(entry, tables.admit, priorities.admitGroupSource, groupSource, []),
    flow(entry, tables.admit, priorities.admit, {}, admitted),
  ];
}

/** A sender without a home gets one; at home it keeps it; elsewhere it is an impostor, or too early. */
function settleFlows(entry: LearningSwitch): readonly Flow[] {
  if (entry.chain.macMove === 'allow') return [];
  const settled: readonly FlowAction[] = [learnHome(entry), learnStation(entry), ...lookUp];
  return [
    flow(entry, tables.settle, priorities.settleUnknown, { reg1: 0 }, settled),
    ...entry.ports.map(({ ofport }) =>
      flow(entry, tables.settle, priorities.settleAtHome, { reg1: ofport, inPort: ofport }, settled),
    ),
    flow(entry, tables.settle, priorities.settleElsewhere, {}, []),
  ];
}

/** Out of every port; OpenFlow never sends a frame back where it came from unless told so by name (1.5.1 section 4.5). */
function floodActions(entry: LearningSwitch): readonly FlowAction[] {
  const actions: FlowAction[] = [];
  for (const { wire, ofport } of entry.ports) if (wire.kind !== 'tag') actions.push({ kind: 'output', port: ofport });
  // The tag is put on once, behind all outputs that go without, and only renumbered from port to port.
  let isTagged = false;
  for (const { wire, ofport } of entry.ports) {
    if (wire.kind !== 'tag') continue;
    if (!isTagged) actions.push({ kind: 'pushVlan' });
    isTagged = true;
    actions.push({ kind: 'setVlan', vid: wire.vid }, { kind: 'output', port: ofport });
  }
  return actions;
}

function deliverFlows(entry: LearningSwitch): readonly Flow[] {
  const known = entry.ports.map(({ ofport, wire }) => {
    const output: FlowAction = { kind: 'output', port: ofport };
    const actions: readonly FlowAction[] =
      wire.kind === 'tag' ? [{ kind: 'pushVlan' }, { kind: 'setVlan', vid: wire.vid }, output] : [output];
    return flow(entry, tables.deliver, priorities.deliverKnown, { reg0: ofport }, actions);
  });
  return [...known, flow(entry, tables.deliver, priorities.deliverFlood, {}, floodActions(entry))];
}

/** The flows of the switch beyond table 0. */
export function learningFlows(entry: LearningSwitch): readonly Flow[] {
  return [...pinnedFlows(entry), ...admitFlows(entry), ...settleFlows(entry), ...deliverFlows(entry)];
}
