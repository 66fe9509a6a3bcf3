/**
 * Rules about single ports of chains, and about those of one switch beside one another: which keys a kind has, names,
 * stations, VLANs that do not contradict. Reports only; two ports that mean the same are found in rules-chain-overlap.ts.
 */
import type { ChainDraft, ChainPortDraft, ChainSwitchDraft } from './draft.js';
import { deviceNameLengthMax, nameFault, patchNameLengthMax } from './names.js';
import { formatPath, type ConfigPath } from './path.js';
import type { Report } from './report.js';
import { checkFunctionSelector } from './rules-function.js';
import { checkKindKeys, type KindTables } from './rules-kind.js';
import type { ChainPortInput } from './schema-chain.js';
import { FirstSeen } from './seen.js';

const kinds: KindTables<ChainPortInput['kind']> = {
  noun: 'chain port',
  needed: {
    uplink: ['uplink'],
    representor: ['representor'],
    service: ['dpfId'],
    labels: ['labels'],
    patch: ['bridge'],
  },
  kindsOf: {
    uplink: ['uplink'],
    representor: ['representor'],
    dpfId: ['service'],
    labels: ['labels'],
    bridge: ['patch'],
  },
};

export function checkChainPorts(chain: ChainDraft, report: Report): void {
  for (const entry of chain.switches) {
    for (const port of entry.ports) {
      checkKindKeys(port, kinds, report);
      checkName(port, report);
      checkSelector(chain, port, report);
    }
    checkNames(entry, report);
    checkStations(entry, report);
    checkAccess(entry, report);
  }
}

const labelLengthMax = 63;

/** The name of a patch port is a name in OVS, all others are for people. */
function checkName(port: ChainPortDraft, report: Report): void {
  const { name, kind } = port.value;
  if (name === undefined || kind === undefined) return;
  const fault = kind === 'patch' ? nameFault(name, patchNameLengthMax) : labelFault(name);
  if (fault !== undefined) report([...port.path, 'name'], `the name "${name}" ${fault}`);
}

function labelFault(name: string): string | undefined {
  const bad = /[^A-Za-z0-9._-]/.exec(name)?.[0];
  if (bad !== undefined) {
    return `has the character ${JSON.stringify(bad)}; letters, digits, ".", "_" and "-" are possible`;
  }
  if (name.length > labelLengthMax) {
    return `is ${name.length} characters long; at most ${labelLengthMax} are possible`;
  }
  return /^[^A-Za-z0-9]|[^A-Za-z0-9]$/.test(name) ? 'does not begin and end with a letter or digit' : undefined;
}

function checkSelector(chain: ChainDraft, port: ChainPortDraft, report: Report): void {
  const { kind, representor, labels, bridge } = port.value;
  if (kind === 'representor' && representor !== undefined) {
    checkFunctionSelector(representor, [...port.path, 'representor'], report);
  }
  if (kind === 'labels' && labels !== undefined && Object.keys(labels).length === 0) {
    report(
      [...port.path, 'labels'],
      'no label is given, so every port would match',
      'Give at least one key and value.',
    );
  }
  if (kind === 'patch' && bridge !== undefined) checkPatch(chain, bridge, [...port.path, 'bridge'], report);
}

function checkPatch(chain: ChainDraft, bridge: string, at: ConfigPath, report: Report): void {
  const fault = nameFault(bridge, deviceNameLengthMax);
  if (fault !== undefined) report(at, `the name "${bridge}" ${fault}`);
  else if (bridge === chain.value.bridge)
    report(at, `"${bridge}" is the bridge of the chain; a patch port leads to another`);
}

function checkNames(entry: ChainSwitchDraft, report: Report): void {
  const seen = new FirstSeen();
  for (const { path, value } of entry.ports) {
    if (value.name === undefined) continue;
    const at = [...path, 'name'];
    const first = seen.before(value.name, at);
    if (first !== undefined) {
      report(at, `"${value.name}" is already given at ${first}`, 'Port names are unique in a switch.');
    }
  }
}

/** A station is behind one port of its switch. */
function checkStations(entry: ChainSwitchDraft, report: Report): void {
  const seen = new FirstSeen();
  for (const { path, value } of entry.ports) {
    (value.pinnedMacs ?? []).forEach((mac, index) => {
      const at = [...path, 'pinnedMacs', index];
      const first = seen.before(mac.toLowerCase(), at);
      if (first !== undefined) report(at, `${mac} is already given at ${first}`, 'A station is behind one port.');
    });
  }
}

/** The ports that say nothing are in the VLAN of the access ports, which can therefore be only one. */
function checkAccess(entry: ChainSwitchDraft, report: Report): void {
  const access = entry.ports.filter(({ value }) => value.vlan?.kind === 'access');
  const first = access[0];
  for (const port of access) {
    if (first === undefined || port.value.vlan?.tag === first.value.vlan?.tag) continue;
    const message = `the access port ${formatPath(first.path)} of the same switch has VLAN ${String(first.value.vlan?.tag)}`;
    const remedy = 'Access ports of one switch have one VLAN; a switch of its own keeps another apart.';
    report([...port.path, 'vlan', 'tag'], message, remedy);
  }
}
