/**
 * The part of what others want that a bundle can contradict: ports with a name, function, number or peer in common, bridges,
 * and what stands on bridges that the bundle declares. The rules see only that part, so that a request costs what it asks for
 * and not what everybody has. Each rule that compares objects of two holders needs its key here. Pure.
 */
import { attachmentKeys, type HolderDraft, type PlacedPort } from './bundle-draft.js';
import type { BridgeDraft, ConfigDraft, Draft } from './draft.js';
import { functionKey } from './rules-function.js';
import type { PortInput } from './schema.js';

type PortDraft = Draft<PortInput>;

/** What others' ports are looked up by. */
function keysOf({ value }: PortDraft, bridge: string | undefined): readonly string[] {
  const { name, kind, representor, uplink, ofport, peer, interfaceExternalIds } = value;
  const id = interfaceExternalIds?.[attachmentKeys.ifaceId];
  return [
    ...(name === undefined ? [] : [`name ${name}`]),
    ...(kind === 'representor' && representor !== undefined ? [`function ${functionKey(representor)}`] : []),
    ...(kind === 'uplink' && uplink !== undefined ? [`uplink ${uplink}`] : []),
    ...(ofport === undefined || bridge === undefined ? [] : [`ofport ${ofport} ${bridge}`]),
    ...(id === undefined ? [] : [`iface-id ${id}`]),
    ...(peer === undefined ? [] : [`peer ${peer.port}`, `towards ${peer.bridge}`]),
  ];
}

/** Of which keys the asker wants to see others' ports. */
function wantedOf({ bridges, ports }: HolderDraft): ReadonlySet<string> {
  const wanted = new Set<string>();
  const addPort = (port: PortDraft, bridge: string | undefined): void => {
    for (const key of keysOf(port, bridge)) if (!key.startsWith('towards ')) wanted.add(key);
    const { name, peer } = port.value;
    if (name !== undefined) wanted.add(`peer ${name}`);
    if (peer !== undefined) wanted.add(`name ${peer.port}`);
  };
  for (const { value, ports: own } of bridges) {
    const { name } = value;
    if (name !== undefined) for (const kind of ['name', 'peer', 'towards', 'on']) wanted.add(`${kind} ${name}`);
    for (const port of own) addPort(port, name);
  }
  for (const { port, bridge } of ports) addPort(port, bridge);
  return wanted;
}

/** Everything of one holder by its keys, made once. */
type Index = ReadonlyMap<string, readonly object[]>;

const indexes = new WeakMap<object, Index>();

function indexOf(holder: Pick<HolderDraft, 'bridges' | 'chains'>, ports: readonly PlacedPort[]): Index {
  const known = indexes.get(holder);
  if (known !== undefined) return known;
  const index = new Map<string, object[]>();
  const add = (key: string, found: object): void => {
    const list = index.get(key);
    if (list === undefined) index.set(key, [found]);
    else list.push(found);
  };
  for (const { value, ports: own } of holder.bridges) {
    for (const port of own) for (const key of keysOf(port, value.name)) add(key, port);
  }
  for (const placed of ports) {
    for (const key of keysOf(placed.port, placed.bridge)) add(key, placed.port);
    if (placed.bridge !== undefined) add(`on ${placed.bridge}`, placed.port);
  }
  for (const chain of holder.chains) {
    const { name, bridge } = chain.value;
    if (name !== undefined) add(`chain ${name}`, chain);
    if (bridge !== undefined) add(`on ${bridge}`, chain);
  }
  indexes.set(holder, index);
  return index;
}

function found(index: Index, wanted: ReadonlySet<string>): ReadonlySet<object> {
  const kept = new Set<object>();
  for (const key of wanted) for (const object of index.get(key) ?? []) kept.add(object);
  return kept;
}

function reducedBridges(bridges: readonly BridgeDraft[], kept: ReadonlySet<object>): readonly BridgeDraft[] {
  if (kept.size === 0) return bridges.map((bridge) => (bridge.ports.length === 0 ? bridge : { ...bridge, ports: [] }));
  return bridges.map((bridge) => ({ ...bridge, ports: bridge.ports.filter((port) => kept.has(port)) }));
}

/** What of the configuration and of other holders has something to do with what `asker` wants; bridges are always kept. */
export function relevantParts(
  asker: HolderDraft,
  base: ConfigDraft,
  others: readonly HolderDraft[],
): { readonly base: ConfigDraft; readonly others: readonly HolderDraft[] } {
  const wanted = new Set(wantedOf(asker));
  for (const { value } of asker.chains) if (value.name !== undefined) wanted.add(`chain ${value.name}`);
  const ofBase = found(indexOf(base, []), wanted);
  return {
    base: {
      ...base,
      bridges: reducedBridges(base.bridges, ofBase),
      chains: base.chains.filter((chain) => ofBase.has(chain)),
    },
    others: others.map((other) => {
      const kept = found(indexOf(other, other.ports), wanted);
      return {
        holder: other.holder,
        bridges: reducedBridges(other.bridges, kept),
        chains: kept.size === 0 ? [] : other.chains.filter((chain) => kept.has(chain)),
        ports: kept.size === 0 ? [] : other.ports.filter(({ port }) => kept.has(port)),
      };
    }),
  };
}
