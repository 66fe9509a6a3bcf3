/**
 * Rules about single ports and about ports beside one another: which keys a kind has, names and numbers that must be
 * unique, one port per function, VLAN settings that make sense. Reports only; patch pairs are in rules-patch.ts.
 */
import type { BridgeDraft, ConfigDraft, Draft } from './draft.js';
import { deviceNameLengthMax, nameFault, patchNameLengthMax } from './names.js';
import { formatPath, type ConfigPath } from './path.js';
import { checkNotes } from './rules-bridge.js';
import { checkFunctionSelector, functionKey, mayShareController, type FunctionInput } from './rules-function.js';
import { checkKindKeys, type KindTables } from './rules-kind.js';
import type { Report } from './report.js';
import type { PortInput } from './schema.js';
import { FirstSeen } from './seen.js';

type PortDraft = Draft<PortInput>;
type Kind = PortInput['kind'];

export function checkPorts(draft: ConfigDraft, report: Report): void {
  checkPortNames(draft, report);
  checkFunctions(draft, report);
  for (const bridge of draft.bridges) {
    checkNumbers(bridge, report);
    for (const port of bridge.ports) {
      checkKindKeys(port, kinds, report);
      checkName(port, report);
      checkVlan(port, report);
      checkMaps(port, report);
      checkPortMode(bridge, port, report);
    }
  }
}

const kinds: KindTables<Kind> = {
  noun: 'port',
  needed: {
    system: ['name'],
    internal: ['name'],
    dpdk: ['name'],
    patch: ['name', 'peer'],
    representor: ['representor'],
    uplink: ['uplink'],
  },
  kindsOf: {
    peer: ['patch'],
    createPeer: ['patch'],
    representor: ['representor'],
    uplink: ['uplink'],
    interfaceType: ['representor', 'uplink'],
    mtu: ['system', 'internal', 'dpdk', 'representor', 'uplink'],
  },
};

function checkName(port: PortDraft, report: Report): void {
  const { name, kind } = port.value;
  if (name === undefined) return;
  const fault = nameFault(name, kind === 'patch' ? patchNameLengthMax : deviceNameLengthMax);
  if (fault !== undefined) report([...port.path, 'name'], `the name "${name}" ${fault}`);
}

/** Port.name and Interface.name are indexes of the whole database (vswitch.ovsschema), not of one bridge. */
function checkPortNames(draft: ConfigDraft, report: Report): void {
  const seen = new FirstSeen();
  const localPorts = new Map(draft.bridges.map(({ path, value }) => [value.name, path]));
  for (const { path, value } of draft.bridges.flatMap((bridge) => bridge.ports)) {
    const { name } = value;
    if (name === undefined) continue;
    const at = [...path, 'name'];
    const first = seen.before(name, at);
    if (first !== undefined)
      report(at, `"${name}" is already given at ${first}`, 'Port names are unique over all bridges.');
    const bridge = localPorts.get(name);
    if (bridge !== undefined) {
      const remedy = 'Every bridge has a local port of its own name; remove this one.';
      report(at, `"${name}" is the local port of ${formatPath(bridge)}`, remedy);
    }
  }
}

/**
 * ofport_request on a number that is taken is ignored without an error (ovs-vswitchd.conf.db(5)), and flows that name the
 * number would then go to the wrong port.
 */
function checkNumbers(bridge: BridgeDraft, report: Report): void {
  const seen = new FirstSeen();
  for (const { path, value } of bridge.ports) {
    if (value.ofport === undefined) continue;
    const at = [...path, 'ofport'];
    const first = seen.before(String(value.ofport), at);
    if (first !== undefined) report(at, `${value.ofport} is already given at ${first}`);
  }
}

/** A device can be in one bridge only, so two ports on one function can never both work. */
function checkFunctions(draft: ConfigDraft, report: Report): void {
  const uplinks = new FirstSeen();
  const functions = new Map<string, PlacedFunction[]>();
  for (const { path, value } of draft.bridges.flatMap((bridge) => bridge.ports)) {
    if (value.kind === 'uplink' && value.uplink !== undefined) {
      const first = uplinks.before(String(value.uplink), [...path, 'uplink']);
      if (first !== undefined) report([...path, 'uplink'], `uplink ${value.uplink} is already used at ${first}`);
    }
    if (value.kind === 'representor' && value.representor !== undefined) {
      checkFunction({ path: [...path, 'representor'], selector: value.representor }, functions, report);
    }
  }
}

interface PlacedFunction {
  readonly path: ConfigPath;
  readonly selector: FunctionInput;
}

function checkFunction(port: PlacedFunction, functions: Map<string, PlacedFunction[]>, report: Report): void {
  if (!checkFunctionSelector(port.selector, port.path, report)) return;
  const key = functionKey(port.selector);
  const others = functions.get(key) ?? [];
  const first = others.find(({ selector }) => mayShareController(selector, port.selector));
  if (first !== undefined) report(port.path, `the same function is already used at ${formatPath(first.path)}`);
  functions.set(key, [...others, port]);
}

function checkVlan(port: PortDraft, report: Report): void {
  const { vlan } = port.value;
  if (vlan === undefined) return;
  const at = [...port.path, 'vlan'];
  const fault = vlanFault(vlan);
  if (fault !== undefined) report(at, fault.message, fault.remedy);
  const trunks = vlan.trunks ?? [];
  const again = trunks.findIndex((trunk, index) => trunks.indexOf(trunk) < index);
  if (again >= 0) report([...at, 'trunks', again], `VLAN ${String(trunks[again])} is given twice`);
}

/** ovs-vswitchd.conf.db(5), Port: vlan_mode, and what an empty vlan_mode means. */
function vlanFault(vlan: NonNullable<PortInput['vlan']>): { message: string; remedy: string } | undefined {
  const { tag, trunks, mode } = vlan;
  if (mode === 'trunk' && tag !== undefined) {
    return { message: 'mode trunk has no tag', remedy: 'Remove tag, or choose mode native-tagged or native-untagged.' };
  }
  if (mode !== undefined && mode !== 'trunk' && tag === undefined) {
    return { message: `mode ${mode} needs a tag`, remedy: 'Give tag, or choose mode trunk.' };
  }
  if (trunks === undefined || tag === undefined) return undefined;
  if (mode === 'access') return { message: 'mode access has no trunks', remedy: 'Remove trunks.' };
  if (mode !== undefined) return undefined;
  const remedy = 'Say what is meant: mode native-tagged or native-untagged; OVS would ignore trunks without it.';
  return { message: 'tag and trunks together need a mode', remedy };
}

function checkMaps(port: PortDraft, report: Report): void {
  const { kind, options = {}, externalIds, interfaceExternalIds } = port.value;
  if (kind === 'patch' && 'peer' in options) {
    report([...port.path, 'options', 'peer'], '"peer" has a key of its own', 'Use peer of the port.');
  }
  checkNotes(externalIds, [...port.path, 'externalIds'], report);
  checkNotes(interfaceExternalIds, [...port.path, 'interfaceExternalIds'], report);
}

function checkPortMode(bridge: BridgeDraft, port: PortDraft, report: Report): void {
  if (bridge.value.mode !== 'observe' || port.value.adopt !== true) return;
  const message = 'a port of a bridge of mode observe cannot be adopted';
  report([...port.path, 'adopt'], message, 'Remove adopt, or choose mode share or own for the bridge.');
}
