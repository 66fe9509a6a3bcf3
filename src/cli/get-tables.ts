/** Objects of the topology as rows of a table, wide or not. Pure; foreign names are escaped and bounded. */

import { formatSpan } from '../attach/age-text.js';
import type { Intent } from '../gen/proto/dpu/agent/v1/intent_pb.js';
import type { Finding } from '../gen/proto/dpu/agent/v1/common_pb.js';
import type {
  Attachment,
  Bridge,
  Chain,
  Port,
  Representor,
  TopologyObject,
} from '../gen/proto/dpu/agent/v1/topology_pb.js';
import { safeText } from '../lib/text.js';
import { decodeRef, wallMsOf } from './decode.js';
import { phaseWord } from './intent-text.js';
import { nameOf, ownCondition } from './topology-read.js';

/** Columns of one kind, and those that are added by `-o wide`. */
export interface TableSpec<T> {
  readonly heading: readonly string[];
  readonly wideHeading: readonly string[];
  row(value: T, object: TopologyObject, nowWallMs: number): readonly string[];
  wideRow(value: T, object: TopologyObject): readonly string[];
}

const cell = (text: string, lengthMax = 256): string => safeText(text, lengthMax);
const number = (value: number | undefined): string => (value === undefined ? '' : String(value));
const yes = (is: boolean): string => (is ? 'yes' : 'no');

/** State, reason and message; nothing where the object is nobody's business. */
function verdict(object: TopologyObject): { readonly cells: readonly string[]; readonly message: string } {
  const condition = ownCondition(object);
  if (condition === undefined) return { cells: ['-', ''], message: '' };
  const { state, reason, message } = condition;
  const isReady = reason === 'Ready';
  return { cells: [state, isReady ? '' : reason], message: isReady ? '' : cell(message, 1_000) };
}

const mapText = (map: Readonly<Record<string, string>>): string =>
  Object.entries(map)
    .map(([key, value]) => `${cell(key, 64)}=${cell(value, 128)}`)
    .join(' ');

const bridgeTable: TableSpec<Bridge> = {
  heading: ['BRIDGE', 'DATAPATH', 'FAIL MODE', 'MODE', 'STATE', 'REASON'],
  wideHeading: ['DATAPATH ID', 'PROTOCOLS', 'SOURCE', 'EXTERNAL IDS', 'MESSAGE'],
  row: ({ datapathType, failMode, mode, isPresent }, object) => [
    cell(nameOf(object)),
    isPresent ? cell(datapathType === '' ? 'system' : datapathType) : '(absent)',
    cell(failMode),
    cell(mode),
    ...verdict(object).cells,
  ],
  wideRow: ({ datapathId, protocols, source, externalIds }, object) => [
    cell(datapathId),
    cell(protocols.join(',')),
    cell(source),
    mapText(externalIds),
    verdict(object).message,
  ],
};

const portTable: TableSpec<Port> = {
  heading: ['PORT', 'BRIDGE', 'TYPE', 'OFPORT', 'LINK', 'MTU', 'VLAN', 'STATE', 'REASON'],
  wideHeading: ['OWNER', 'MAC', 'INTERFACES', 'EXTERNAL IDS', 'MESSAGE'],
  row: ({ interfaces, isPresent, tag, trunks }, object) => {
    const [first] = interfaces;
    return [
      cell(nameOf(object)),
      cell(object.ref?.bridge ?? ''),
      isPresent ? cell(first?.type ?? '') : '(absent)',
      number(first?.ofport),
      cell(first?.linkState ?? ''),
      number(first?.mtu),
      tag === undefined ? trunks.join(',') : String(tag),
      ...verdict(object).cells,
    ];
  },
  wideRow: ({ interfaces, owner, externalIds }, object) => [
    cell(owner),
    cell(interfaces[0]?.mac ?? ''),
    interfaces.map(({ name }) => cell(name)).join(','),
    [mapText(externalIds), ...interfaces.map((entry) => mapText(entry.externalIds))].filter(Boolean).join(' '),
    verdict(object).message,
  ],
};

/** `pf0vf3`, `uplink 0`; with the controller where it is not the first host. */
export function functionText({ functionKind, controller, pf, vf, sf, portNumber }: Representor): string {
  if (functionKind === 'uplink') return `uplink ${number(portNumber)}`;
  const where = controller === undefined || controller === 1 ? '' : `c${controller}`;
  const name = `${where}${pf === undefined ? '' : `pf${pf}`}${vf === undefined ? '' : `vf${vf}`}${sf === undefined ? '' : `sf${sf}`}`;
  return name === '' ? cell(functionKind) : name;
}

const representorTable: TableSpec<Representor> = {
  heading: ['REPRESENTOR', 'KIND', 'FUNCTION', 'BRIDGE', 'UP', 'CARRIER', 'MTU'],
  wideHeading: ['MAC', 'FUNCTION MAC', 'OPSTATE', 'IFINDEX', 'EVIDENCE'],
  row: (device, object) => [
    cell(nameOf(object)),
    cell(device.functionKind),
    functionText(device),
    device.bridge === '' ? '-' : cell(device.bridge),
    yes(device.isUp),
    yes(device.hasCarrier),
    number(device.mtu),
  ],
  wideRow: ({ mac, functionMac, functionOpstate, ifindex, evidence }) =>
    [mac, functionMac, functionOpstate, String(ifindex), evidence].map((text) => cell(text)),
};

const attachmentTable: TableSpec<Attachment> = {
  heading: ['POD', 'NETWORK', 'VF', 'REPRESENTOR', 'STATE', 'REASON', 'AGE'],
  wideHeading: ['OFPORT', 'MAC', 'IFACE-ID', 'SANDBOX', 'STATUS', 'MESSAGE'],
  row: ({ namespace, pod, network, pf, vf, device, since }, object, nowWallMs) => {
    const sinceWallMs = wallMsOf(since);
    return [
      `${cell(namespace, 63)}/${cell(pod, 253)}`,
      cell(network, 512),
      pf === undefined || vf === undefined ? '' : `pf${pf}vf${vf}`,
      cell(device, 64),
      ...verdict(object).cells,
      sinceWallMs === undefined ? '' : formatSpan(nowWallMs - sinceWallMs),
    ];
  },
  wideRow: ({ ifaceId, sandboxId, shownStatus }, object) => {
    const evidence = ownCondition(object)?.evidence ?? {};
    return [
      cell(evidence['ofport'] ?? ''),
      cell(evidence['attached_mac'] ?? ''),
      cell(ifaceId, 600),
      cell(sandboxId.slice(0, 13)),
      cell(shownStatus, 600),
      verdict(object).message,
    ];
  },
};

const chainTable: TableSpec<Chain> = {
  heading: ['CHAIN', 'BRIDGE', 'SWITCHES', 'PORTS', 'STATE', 'REASON'],
  wideHeading: ['TENANT', 'MTU', 'COOKIE', 'MESSAGE'],
  row: ({ bridge, switches }, object) => [
    cell(nameOf(object)),
    cell(bridge),
    String(switches.length),
    String(switches.reduce((sum, { ports }) => sum + ports.length, 0)),
    ...verdict(object).cells,
  ],
  wideRow: ({ tenant, mtu, cookie }, object) => [cell(tenant), number(mtu), cell(cookie), verdict(object).message],
};

function rowsOf<T>(
  spec: TableSpec<T>,
  entries: readonly (readonly [TopologyObject, T])[],
  isWide: boolean,
  nowWallMs: number,
): readonly (readonly string[])[] {
  const heading = isWide ? [...spec.heading, ...spec.wideHeading] : spec.heading;
  const rows = entries.map(([object, value]) => {
    const row = spec.row(value, object, nowWallMs);
    return isWide ? [...row, ...spec.wideRow(value, object)] : row;
  });
  return [heading, ...rows];
}

/** The table of objects of one kind, with its heading; those that are of another kind are left out. */
export function topologyRows(
  kind: 'bridge' | 'port' | 'representor' | 'attachment' | 'chain',
  objects: readonly TopologyObject[],
  isWide: boolean,
  nowWallMs: number,
): readonly (readonly string[])[] {
  const of = <T>(pick: (object: TopologyObject) => T | undefined): readonly (readonly [TopologyObject, T])[] =>
    objects.flatMap((object): readonly (readonly [TopologyObject, T])[] => {
      const value = pick(object);
      return value === undefined ? [] : [[object, value]];
    });
  switch (kind) {
    case 'bridge':
      return rowsOf(
        bridgeTable,
        of(({ object }) => (object.case === 'bridge' ? object.value : undefined)),
        isWide,
        nowWallMs,
      );
    case 'port':
      return rowsOf(
        portTable,
        of(({ object }) => (object.case === 'port' ? object.value : undefined)),
        isWide,
        nowWallMs,
      );
    case 'representor':
      return rowsOf(
        representorTable,
        of(({ object }) => (object.case === 'representor' ? object.value : undefined)),
        isWide,
        nowWallMs,
      );
    case 'attachment':
      return rowsOf(
        attachmentTable,
        of(({ object }) => (object.case === 'attachment' ? object.value : undefined)),
        isWide,
        nowWallMs,
      );
    case 'chain':
      return rowsOf(
        chainTable,
        of(({ object }) => (object.case === 'chain' ? object.value : undefined)),
        isWide,
        nowWallMs,
      );
  }
}

/** Findings with their remedy. */
export function findingRows(findings: readonly Finding[], isWide: boolean): readonly (readonly string[])[] {
  const heading = ['REASON', 'OBJECT', 'MESSAGE'];
  return [
    isWide ? [...heading, 'CLAIMANTS', 'REMEDY'] : heading,
    ...findings.map(({ reason, object, message, claimants, remedy }) => {
      const { kind, name, bridge } = decodeRef(object);
      const where = bridge === undefined ? '' : ` on ${cell(bridge)}`;
      const row = [cell(reason, 64), `${kind} ${cell(name)}${where}`, cell(message, 1_000)];
      return isWide ? [...row, cell(claimants.join(', '), 600), cell(remedy, 600)] : row;
    }),
  ];
}

/** Bundles of owners. */
export function intentRows(
  intents: readonly Intent[],
  isWide: boolean,
  nowWallMs: number,
): readonly (readonly string[])[] {
  const heading = ['OWNER', 'GENERATION', 'PHASE', 'OBJECTS', 'AGE'];
  return [
    isWide ? [...heading, 'ACTOR', 'NOT READY'] : heading,
    ...intents.map(({ owner, generation, acceptedAt, actor, bundle, status }) => {
      const count = bundle === undefined ? 0 : bundle.bridges.length + bundle.ports.length + bundle.chains.length;
      const acceptedWallMs = wallMsOf(acceptedAt);
      const row = [
        cell(owner),
        String(generation),
        status === undefined ? 'unknown' : phaseWord(status.phase),
        String(count + (bundle?.attachments.length ?? 0)),
        acceptedWallMs === undefined ? '' : formatSpan(nowWallMs - acceptedWallMs),
      ];
      const open = status?.conditions.filter(({ reason }) => reason !== 'Ready').length ?? 0;
      return isWide ? [...row, cell(actor), String(open)] : row;
    }),
  ];
}
