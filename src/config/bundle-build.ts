/**
 * Makes of bundles what the agent sees: bridges, ports and chains of each owner, the sides of patch pairs that they imply
 * among them. Built together with the configuration, for what a port implies depends on the bridges of others.
 */
import { AssertionError } from '../lib/assert.js';
import { attachmentIds, sharedBridge } from './bundle-draft.js';
import type { ReadBundle } from './bundle.js';
import type { AttachmentInput, BundleInput } from './bundle-schema.js';
import { bridgesOf } from './build.js';
import { chainOf } from './build-chain.js';
import type { BridgeConfig, ChainConfig, Config, PortConfig } from './config.js';
import { fileShapeOf } from './file-shape.js';
import { bridgeSchema, type BridgeInput, type PortInput } from './schema.js';

/** What one owner wants; nobody else's ports are on its bridges here. */
export interface BuiltBundle {
  readonly bridges: readonly Omit<BridgeConfig, 'ports'>[];
  readonly ports: readonly { readonly bridge: string; readonly port: PortConfig }[];
  readonly chains: readonly ChainConfig[];
}

/** A bridge with the ports of everybody, and whose each is. */
interface Row {
  /** Undefined: not one of the owners'. */
  readonly holder: string | undefined;
  readonly input: Omit<BridgeInput, 'ports'>;
  readonly ports: { readonly holder: string | undefined; readonly input: PortInput }[];
}

export interface UsableBundle extends ReadBundle {
  readonly input: BundleInput;
}

function attachmentPort(attachment: AttachmentInput): PortInput {
  const { representor, mtu, vlan } = attachment;
  return {
    kind: 'representor',
    representor,
    ...(mtu === undefined ? {} : { mtu }),
    ...(vlan === undefined ? {} : { vlan }),
    options: {},
    otherConfig: {},
    externalIds: {},
    interfaceExternalIds: attachmentIds(attachment),
    adopt: false,
  };
}

function rowOf({ ports, ...input }: BridgeInput, holder: string | undefined): Row {
  return { holder, input, ports: ports.map((port) => ({ holder, input: port })) };
}

/** The ports of a bundle that are not on bridges of its own list. */
function placedPorts({ ports, attachments }: BundleInput, attachBridge: string): readonly [string, PortInput][] {
  return [
    ...ports.map(({ bridge, ...port }): [string, PortInput] => [bridge, port]),
    ...attachments.map((entry): [string, PortInput] => [entry.bridge ?? attachBridge, attachmentPort(entry)]),
  ];
}

function rowsOf(config: Config, bundles: readonly UsableBundle[]): readonly Row[] {
  const own = bridgeSchema.array().parse(fileShapeOf(config)['bridges']);
  const rows = [
    ...own.map((bridge) => rowOf(bridge, undefined)),
    ...bundles.flatMap(({ owner, input }) => input.bridges.map((bridge) => rowOf(bridge, owner))),
  ];
  const byName = new Map([...rows].reverse().map((row) => [row.input.name, row]));
  for (const { owner, input } of bundles) {
    for (const [bridge, port] of placedPorts(input, config.attach.bridge)) {
      let row = byName.get(bridge);
      if (row === undefined) {
        row = rowOf(sharedBridge(bridge), undefined);
        byName.set(bridge, row);
        rows.push(row);
      }
      row.ports.push({ holder: owner, input: port });
    }
  }
  return rows;
}

const portKey = (bridge: string, port: string | undefined): string => JSON.stringify([bridge, port]);

/** Whose each port is; that of an implied side is whose the side is that implies it. */
function portsByHolder(rows: readonly Row[]): ReadonlyMap<string | undefined, BuiltBundle['ports']> {
  const inputs = rows.map(({ input, ports }) => ({ ...input, ports: ports.map((port) => port.input) }));
  const makers = new Map(
    rows.flatMap(({ input, ports }) => ports.map((port) => [portKey(input.name, port.input.name), port.holder])),
  );
  const byHolder = new Map<string | undefined, { readonly bridge: string; readonly port: PortConfig }[]>();
  bridgesOf(inputs).forEach(({ name, ports }, index) => {
    const written = rows[index]?.ports ?? [];
    ports.forEach((port, place) => {
      const maker = port.kind === 'patch' ? makers.get(portKey(port.peer.bridge, port.peer.port)) : undefined;
      const holder = place < written.length ? written[place]?.holder : maker;
      const list = byHolder.get(holder) ?? [];
      list.push({ bridge: name, port });
      byHolder.set(holder, list);
    });
  });
  return byHolder;
}

/** Whether what was accepted, perhaps by an older agent, can still be built: the rules of today may ask for more. */
export function isUsable(bundle: ReadBundle, config: Config): bundle is UsableBundle {
  const { input } = bundle;
  if (input === undefined) return false;
  try {
    buildBundles(config, [{ ...bundle, input }]);
    return true;
  } catch (error) {
    if (error instanceof AssertionError) return false;
    throw error;
  }
}

/**
 * The bundles built, by owner.
 * @param bundles such as `isUsable` lets pass
 */
export function buildBundles(config: Config, bundles: readonly UsableBundle[]): ReadonlyMap<string, BuiltBundle> {
  const rows = rowsOf(config, bundles);
  const declared = new Set(config.bridges.map(({ name }) => name));
  for (const { holder, input } of rows) if (holder !== undefined) declared.add(input.name);
  const byHolder = portsByHolder(rows);
  return new Map(
    bundles.map(({ owner, input }) => {
      const ports = byHolder.get(owner) ?? [];
      const { bridge } = config.attach;
      const isShared = !declared.has(bridge) && ports.some((port) => port.bridge === bridge);
      const shared = isShared ? [sharedBridge(bridge)] : [];
      const bridges = bridgesOf([...input.bridges, ...shared]).map(({ ports: _ports, ...rest }) => rest);
      return [owner, { bridges, ports, chains: input.chains.map(chainOf) }];
    }),
  );
}
