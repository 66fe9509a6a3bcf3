/**
 * The rule that a chain uses every port once: within a switch at all, and from switch to switch once for each VLAN. Reports
 * only. Ports of different kinds, or of different chains, may turn out to be the same interface; that is not seen here.
 */
import type { ChainDraft, ChainPortDraft, ChainSwitchDraft } from './draft.js';
import { formatPath } from './path.js';
import type { Report } from './report.js';
import { functionKey, mayShareController } from './rules-function.js';
import type { ChainPortInput } from './schema-chain.js';

/** A port, its switch, and which of the frames on its wire it means: all, those without a tag, or those of one VLAN. */
interface Use {
  readonly port: ChainPortDraft;
  readonly entry: ChainSwitchDraft;
  readonly wire: 'any' | 'untagged' | number;
}

export function checkChainOverlaps(chain: ChainDraft, report: Report): void {
  const seen = new Map<string, Use[]>();
  for (const use of chain.switches.flatMap(usesOf)) {
    const key = portKey(use.port.value);
    if (key === undefined) continue;
    const others = seen.get(key) ?? [];
    const first = others.find((other) => overlap(use, other) && mayBeSamePort(use.port.value, other.port.value));
    if (first !== undefined) reportAgain(use, first, report);
    seen.set(key, [...others, use]);
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
  return entry.ports.map((port) => ({ port, entry, wire: wireOf(port.value.vlan, access) }));
}

function wireOf(vlan: ChainPortInput['vlan'], access: number | undefined): Use['wire'] {
  if (vlan === undefined) return access ?? 'any';
  return vlan.kind === 'access' ? 'untagged' : vlan.tag;
}

function overlap(a: Use, b: Use): boolean {
  return a.entry === b.entry || a.wire === 'any' || b.wire === 'any' || a.wire === b.wire;
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
