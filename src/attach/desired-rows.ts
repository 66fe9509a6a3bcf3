/**
 * The rows of an attachment, column by column as ovn-kubernetes' DPU mode writes them, and how they differ from what is
 * there. Columns and keys that are not named belong to others and stay. Pure.
 */

import type { ObservedQos } from '../model/observed.js';
import type { StringMap } from '../model/ownership.js';
import type { CellValue } from '../plan/action.js';
import { diffRow, type PresentRow, type RowDiff, type WantedRow } from '../plan/row-diff.js';
import type { WantedAttachment } from './attachment.js';
import { sandboxKey, type PluggedPort } from './row-identity.js';

/** The boot script of Open vSwitch drops such ports (`ovs-ctl --delete-transient-ports`): the pod may be gone by then. */
const transient: StringMap = new Map([['transient', 'true']]);
const empty: StringMap = new Map();

/** Nothing of an attachment is pinned: OpenFlow numbers on br-int are ovn-controller's to learn. */
function row(table: string, cells: ReadonlyMap<string, CellValue>, maps: ReadonlyMap<string, StringMap>): WantedRow {
  return { table, cells, maps, pins: empty };
}

function wantedPort(): WantedRow {
  return row(
    'Port',
    new Map(),
    new Map([
      ['other_config', transient],
      ['external_ids', empty],
    ]),
  );
}

function wantedInterface(wanted: WantedAttachment): WantedRow {
  const { type, mtu, policing, externalIds } = wanted;
  const cells = new Map<string, CellValue>([
    ['type', type],
    // The kernel's devices take their MTU from the kernel; DPDK's from this column.
    ['mtu_request', type === 'dpdk' ? mtu : undefined],
    ['ingress_policing_rate', policing.rateKbps],
    ['ingress_policing_burst', policing.burstKb],
  ]);
  return row('Interface', cells, new Map([['external_ids', externalIds]]));
}

function wantedQos({ maxRateBps, request }: WantedAttachment): WantedRow | undefined {
  if (maxRateBps === undefined) return undefined;
  const maps = new Map<string, StringMap>([
    ['other_config', new Map([['max-rate', String(maxRateBps)]])],
    ['external_ids', new Map([[sandboxKey, request.identity.sandboxId]])],
  ]);
  return row('QoS', new Map<string, CellValue>([['type', 'linux-htb']]), maps);
}

function presentPort({ port }: PluggedPort): PresentRow {
  const maps = new Map([
    ['other_config', port.otherConfig],
    ['external_ids', port.externalIds],
  ]);
  return { cells: new Map(), maps };
}

function presentInterface({ main }: PluggedPort): PresentRow {
  const cells = new Map<string, CellValue>([
    ['type', main.type],
    ['mtu_request', main.mtuRequest],
    ['ingress_policing_rate', main.policingRate],
    ['ingress_policing_burst', main.policingBurst],
  ]);
  return { cells, maps: new Map([['external_ids', main.externalIds]]) };
}

function presentQos(qos: ObservedQos): PresentRow {
  const maps = new Map([
    ['other_config', qos.otherConfig],
    ['external_ids', qos.externalIds],
  ]);
  return { cells: new Map<string, CellValue>([['type', qos.type]]), maps };
}

export interface RowDiffs {
  readonly port: RowDiff;
  readonly interface: RowDiff;
  /** Undefined: no QoS row is wanted. */
  readonly qos: RowDiff | undefined;
}

/** A new row holds 0 in these columns anyway. */
function withoutZeroes(wanted: WantedRow): WantedRow {
  return { ...wanted, cells: new Map([...wanted.cells].filter(([, value]) => value !== 0)) };
}

interface Compared {
  readonly wanted: WantedAttachment;
  readonly qos: ObservedQos | undefined;
  readonly mark: string;
  readonly diffs: RowDiffs;
}

/** Rows are immutable, and in most rounds most of them are wanted as they were: they are compared once. */
const known = new WeakMap<PluggedPort, Compared>();

function isSameMap(a: StringMap, b: StringMap): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}

/** Whether both ask for the same rows. */
function isSameWish(a: WantedAttachment, b: WantedAttachment): boolean {
  return (
    a.type === b.type &&
    a.mtu === b.mtu &&
    a.policing.rateKbps === b.policing.rateKbps &&
    a.policing.burstKb === b.policing.burstKb &&
    a.maxRateBps === b.maxRateBps &&
    a.request.identity.sandboxId === b.request.identity.sandboxId &&
    isSameMap(a.externalIds, b.externalIds)
  );
}

/** What to write so that the rows are as wanted; without `plugged`, new rows. */
export function diffRows(
  wanted: WantedAttachment,
  plugged: PluggedPort | undefined,
  qos: ObservedQos | undefined,
  mark: string,
): RowDiffs {
  if (plugged === undefined) return compareRows(wanted, plugged, qos, mark);
  const seen = known.get(plugged);
  if (seen?.qos === qos && seen?.mark === mark && isSameWish(seen.wanted, wanted)) return seen.diffs;
  const diffs = compareRows(wanted, plugged, qos, mark);
  known.set(plugged, { wanted, qos, mark, diffs });
  return diffs;
}

function compareRows(
  wanted: WantedAttachment,
  plugged: PluggedPort | undefined,
  qos: ObservedQos | undefined,
  mark: string,
): RowDiffs {
  const iface = wantedInterface(wanted);
  const queue = wantedQos(wanted);
  const presentQueue = qos === undefined ? undefined : presentQos(qos);
  return {
    port: diffRow(wantedPort(), plugged === undefined ? undefined : presentPort(plugged), mark),
    interface: diffRow(
      plugged === undefined ? withoutZeroes(iface) : iface,
      plugged === undefined ? undefined : presentInterface(plugged),
      mark,
    ),
    qos: queue === undefined ? undefined : diffRow(queue, presentQueue, mark),
  };
}
