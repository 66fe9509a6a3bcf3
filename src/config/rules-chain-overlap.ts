/**
 * The rule that a chain uses every port once: within a switch at all, and from switch to switch once for each VLAN. Reports
 * only. Ports of different kinds, or of different chains, may turn out to be the same interface; that is not seen here.
 */
import type { ChainDraft, ChainPortDraft, ChainSwitchDraft } from './draft.js';
import { formatPath } from './path.js';
import type { Report } from './report.js';
import { functionKey, mayShareController } from './rules-function.js';
import type { ChainPortInput } from './schema-chain.js';

/**
 * A port, its switch, and which of the frames on its wire it means: all, those without a tag, or those of one VLAN.
 * `unknown` while its VLAN is wrong: what is wrong is said elsewhere, and what was meant is not guessed.
 */
interface Use {
  readonly port: ChainPortDraft;
  readonly entry: ChainSwitchDraft;
  readonly wire: 'any' | 'untagged' | 'unknown' | number;
}

export function checkChainOverlaps(chain: ChainDraft, report: Report): void {
  const seen = new Map<string, Use[]>();
  for (const use of chain.switches.flatMap(usesOf)) {
    const key = portKey(use.port.value);
    if (key === undefined) continue;
    const others = seen.get(key) ?? [];
    seen.set(key, others);
    const first = others.find((other) => overlap(use, other) && mayBeSamePort(use.port.value, other.port.value));
    if (first !== undefined) reportAgain(use, first, report);
    others.push(use);
  }
}

function reportAgain(use: Use, first: Use, report: Report): void {
  const remedy =
    first.entry === use.entry
      ? 'A switch never sends a frame back where it came from; remove one of the two.'
      : 'Remove one of the two, or give each a vlan of kind tagged with a tag of its own.';
  report(use.port.path, `the same port is already used at ${formatPath(first.port.path)}`, remedy);
}

function usesOf(entry: ChainSwitchDraft): readonly Use[] {
  const access = entry.ports.find(({ value }) => value.vlan?.kind === 'access')?.value.vlan?.tag;
  // Any of the wrong ones may have been meant for an access port.
  const silent = access ?? (entry.ports.some(isVlanWrong) ? 'unknown' : 'any');
  return entry.ports.map((port) => ({ port, entry, wire: wireOf(port, silent) }));
}

function wireOf(port: ChainPortDraft, silent: Use['wire']): Use['wire'] {
  const { vlan } = port.value;
  if (vlan === undefined) return isVlanWrong(port) ? 'unknown' : silent;
  return vlan.kind === 'access' ? 'untagged' : vlan.tag;
}

function isVlanWrong({ given, value }: ChainPortDraft): boolean {
  return given.has('vlan') && value.vlan === undefined;
}

function overlap(a: Use, b: Use): boolean {
  if (a.entry === b.entry) return true;
  if (a.wire === 'unknown' || b.wire === 'unknown') return false;
  return a.wire === 'any' || b.wire === 'any' || a.wire === b.wire;
}

type PortValue = ChainPortDraft['value'];

/** Equal for all ports that may be the same; undefined where what it takes to say so is missing or wrong. */
function portKey(port: PortValue): string | undefined {
  const id = port.kind === undefined ? undefined : selectorKey(port, port.kind);
  return id === undefined ? undefined : `${port.kind ?? ''} ${id}`;
}

function selectorKey(port: PortValue, kind: ChainPortInput['kind']): string | undefined {
  switch (kind) {
    case 'uplink':
      return port.uplink?.toString();
    case 'representor':
      return port.representor && functionKey(port.representor);
    case 'service':
      return port.dpfId;
    case 'labels':
      return port.labels && JSON.stringify(Object.entries(port.labels).sort());
    case 'patch':
      return port.bridge;
  }
}

/** What tells ports of one key apart. Without a name a patch port is the only one towards its bridge. */
function mayBeSamePort(a: PortValue, b: PortValue): boolean {
  if (a.kind === 'patch') return a.name === undefined || b.name === undefined || a.name === b.name;
  if (a.representor === undefined || b.representor === undefined) return true;
  return mayShareController(a.representor, b.representor);
}
