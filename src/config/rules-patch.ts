/**
 * Rules about patch pairs: both sides must name each other, somebody must make each side, and both bridges must be of one
 * datapath. Reports only; the sides that `createPeer` implies are made in patch-peers.ts.
 */
import type { BridgeDraft, ConfigDraft, Draft } from './draft.js';
import { nameFault, patchNameLengthMax } from './names.js';
import { formatPath, type ConfigPath } from './path.js';
import type { Report } from './report.js';
import type { PortInput } from './schema.js';
import { FirstSeen } from './seen.js';

/** One side of a pair of which bridge, name and peer are known to be valid. */
interface PatchSide {
  readonly path: ConfigPath;
  readonly bridge: BridgeDraft;
  readonly bridgeName: string;
  readonly name: string;
  readonly peer: NonNullable<PortInput['peer']>;
  readonly createPeer: boolean | undefined;
}

export function checkPatches(draft: ConfigDraft, report: Report): void {
  const bridges = new Map(draft.bridges.map((bridge) => [bridge.value.name, bridge]));
  const ports = portsByName(draft);
  const peers = new FirstSeen();
  for (const side of draft.bridges.flatMap(sidesOf)) {
    const at = [...side.path, 'peer'];
    const fault = nameFault(side.peer.port, patchNameLengthMax);
    if (fault !== undefined) report([...at, 'port'], `the name "${side.peer.port}" ${fault}`);
    const first = peers.before(JSON.stringify([side.peer.bridge, side.peer.port]), at);
    if (first !== undefined) report(at, `the same peer is already given at ${first}`);
    if (bridges.has(side.peer.port)) report([...at, 'port'], `"${side.peer.port}" is the name of a bridge`);
    if (side.peer.bridge === side.bridgeName) {
      report([...at, 'bridge'], 'both sides are on the same bridge; a patch pair connects two');
      continue;
    }
    checkOtherSide(side, bridges.get(side.peer.bridge), ports.get(side.peer.port), report);
  }
}

interface PortPlace {
  readonly bridge: BridgeDraft;
  readonly port: Draft<PortInput>;
}

function portsByName(draft: ConfigDraft): ReadonlyMap<string | undefined, PortPlace> {
  const places = new Map<string | undefined, PortPlace>();
  for (const bridge of draft.bridges) {
    for (const port of bridge.ports) places.set(port.value.name, { bridge, port });
  }
  return places;
}

function sidesOf(bridge: BridgeDraft): readonly PatchSide[] {
  const bridgeName = bridge.value.name;
  if (bridgeName === undefined) return [];
  return bridge.ports.flatMap(({ path, value }) => {
    const { kind, name, peer, createPeer } = value;
    if (kind !== 'patch' || name === undefined || peer === undefined) return [];
    return [{ path, bridge, bridgeName, name, peer, createPeer }];
  });
}

function checkOtherSide(
  side: PatchSide,
  bridge: BridgeDraft | undefined,
  other: PortPlace | undefined,
  report: Report,
): void {
  if (bridge === undefined) {
    checkUnknownBridge(side, report);
  } else {
    checkDatapaths(side, bridge, report);
    if (other === undefined) checkMaker(side, bridge, report);
    else checkMutual(side, other, report);
  }
}

function checkUnknownBridge(side: PatchSide, report: Report): void {
  const at = [...side.path, 'peer', 'bridge'];
  const remedy = `Declare bridge "${side.peer.bridge}" too; with mode observe when it is somebody else's.`;
  if (side.createPeer === true) {
    report(at, `the other side cannot be made on bridge "${side.peer.bridge}", which is not declared`, remedy);
  } else if (side.bridge.value.mode === 'own') {
    report(at, `bridge "${side.peer.bridge}" is not declared`, remedy);
  }
}

/** Patch ports work only between bridges of one datapath (ovs-vswitchd.conf.db(5), Interface: patch options). */
function checkDatapaths(side: PatchSide, bridge: BridgeDraft, report: Report): void {
  const own = side.bridge.value.datapathType;
  const other = bridge.value.datapathType;
  if (own === undefined || other === undefined || own === other) return;
  const message = `the datapath type of "${side.bridgeName}" is ${own}, that of "${side.peer.bridge}" is ${other}`;
  report([...side.path, 'peer', 'bridge'], message, 'Both bridges of a patch pair need the same datapathType.');
}

/** The other side is not in the file: either we make it, or the bridge's owner does. */
function checkMaker(side: PatchSide, bridge: BridgeDraft, report: Report): void {
  if (side.createPeer !== true || bridge.value.mode !== 'observe') return;
  const message = `bridge "${side.peer.bridge}" has mode observe, so the other side cannot be made there`;
  report([...side.path, 'createPeer'], message, 'Remove createPeer, or choose mode share for that bridge.');
}

function checkMutual(side: PatchSide, other: PortPlace, report: Report): void {
  const at = [...side.path, 'peer'];
  const { port, bridge } = other;
  const where = formatPath(port.path);
  const { kind, peer } = port.value;
  if (bridge.value.name !== side.peer.bridge) {
    const actual = bridge.value.name ?? 'another bridge';
    report(
      [...at, 'port'],
      `port "${side.peer.port}" is declared on "${actual}" (${where}), not on "${side.peer.bridge}"`,
    );
  } else if (kind !== undefined && kind !== 'patch') {
    report([...at, 'port'], `port "${side.peer.port}" (${where}) has kind ${kind}, not patch`);
  } else if (peer !== undefined && (peer.bridge !== side.bridgeName || peer.port !== side.name)) {
    const message = `the other side (${where}) names "${peer.port}" on "${peer.bridge}" as its peer`;
    report(at, message, `There it should be "${side.name}" on "${side.bridgeName}".`);
  }
}
