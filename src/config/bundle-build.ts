/**
 * Makes of bundles what the agent sees: bridges, ports and chains of each owner, the sides of patch pairs that they imply
 * among them. Built together with the configuration, for what a port implies depends on the bridges of others.
 */
import { AssertionError } from '../lib/assert.js';
import { attachmentPort, sharedBridge } from './bundle-draft.js';
import type { ReadBundle } from './bundle.js';
import type { BundleInput } from './bundle-schema.js';
import { bridgesOf, portOf } from './build.js';
import { chainOf } from './build-chain.js';
import type { BridgeConfig, BridgeMode, ChainConfig, Config, PortConfig } from './config.js';
import { fileShapeOf } from './file-shape.js';
import { impliedPeer } from './patch-peers.js';
import { bridgeSchema, type BridgeInput, type PortInput } from './schema.js';

/** What one owner wants; nobody else's ports are on its bridges here. */
export interface BuiltBundle {
  readonly bridges: readonly Omit<BridgeConfig, 'ports'>[];
  readonly ports: readonly { readonly bridge: string; readonly port: PortConfig }[];
  readonly chains: readonly ChainConfig[];
}

export interface UsableBundle extends ReadBundle {
  readonly input: BundleInput;
}

type BuiltPort = BuiltBundle['ports'][number];

/** What a bundle is by itself, whoever else wants what. */
interface BuiltAlone {
  readonly attachBridge: string;
  readonly bridges: BuiltBundle['bridges'];
  readonly chains: readonly ChainConfig[];
  /** As they are written down. */
  readonly ports: readonly BuiltPort[];
  readonly portNames: ReadonlySet<string | undefined>;
  readonly patches: readonly WrittenPatch[];
}

/** A side of a patch pair, which may imply the other. */
interface WrittenPatch {
  readonly bridge: string;
  readonly input: PortInput;
}

const noBridges: BuiltBundle['bridges'] = [];
const builtAlone = new WeakMap<BundleInput, BuiltAlone>();
const configPorts = new WeakMap<Config, Pick<BuiltAlone, 'portNames' | 'patches'>>();

const patchesOf = (placed: readonly (readonly [string, PortInput])[]): readonly WrittenPatch[] =>
  placed.flatMap(([bridge, input]) => (input.kind === 'patch' ? [{ bridge, input }] : []));

/** All ports of a bundle, each with its bridge. */
function placedPorts(
  { bridges, ports, attachments }: BundleInput,
  attachBridge: string,
): readonly [string, PortInput][] {
  return [
    ...bridges.flatMap(({ name, ports: own }) => own.map((port): [string, PortInput] => [name, port])),
    ...ports.map(({ bridge, ...port }): [string, PortInput] => [bridge, port]),
    ...attachments.map((entry): [string, PortInput] => [entry.bridge ?? attachBridge, attachmentPort(entry)]),
  ];
}

function bridgesAlone(inputs: readonly BridgeInput[]): BuiltBundle['bridges'] {
  return bridgesOf(inputs.map((bridge) => ({ ...bridge, ports: [] }))).map(({ ports: _ports, ...rest }) => rest);
}

/** @throws AssertionError for what the rules of today refuse */
function aloneOf(input: BundleInput, attachBridge: string): BuiltAlone {
  const known = builtAlone.get(input);
  if (known?.attachBridge === attachBridge) return known;
  const placed = placedPorts(input, attachBridge);
  const alone: BuiltAlone = {
    attachBridge,
    bridges: bridgesAlone(input.bridges),
    chains: input.chains.map(chainOf),
    ports: placed.map(([bridge, port]) => ({ bridge, port: portOf(port) })),
    portNames: new Set(placed.map(([, { name }]) => name)),
    patches: patchesOf(placed),
  };
  builtAlone.set(input, alone);
  return alone;
}

function portsOfConfig(config: Config): Pick<BuiltAlone, 'portNames' | 'patches'> {
  const known = configPorts.get(config);
  if (known !== undefined) return known;
  const bridges = bridgeSchema.array().parse(fileShapeOf(config)['bridges']);
  const placed = bridges.flatMap(({ name, ports }) => ports.map((port): [string, PortInput] => [name, port]));
  const made = { portNames: new Set(placed.map(([, { name }]) => name)), patches: patchesOf(placed) };
  configPorts.set(config, made);
  return made;
}

/** Whether what was accepted, perhaps by an older agent, can still be built: the rules of today may ask for more. */
export function isUsable(bundle: ReadBundle, config: Config): bundle is UsableBundle {
  const { input } = bundle;
  if (input === undefined) return false;
  const known = usable.get(bundle);
  if (known?.config === config) return known.isUsable;
  const isRight = canBeBuilt({ ...bundle, input }, config);
  usable.set(bundle, { config, isUsable: isRight });
  return isRight;
}

const usable = new WeakMap<ReadBundle, { readonly config: Config; readonly isUsable: boolean }>();

function canBeBuilt(bundle: UsableBundle, config: Config): boolean {
  try {
    buildBundles(config, [bundle]);
    return true;
  } catch (error) {
    if (error instanceof AssertionError) return false;
    throw error;
  }
}

/**
 * The bundles built, by owner. What a bundle is by itself is made once; beside others there are only the sides of patch pairs
 * that are implied.
 * @param bundles such as `isUsable` lets pass
 */
export function buildBundles(config: Config, bundles: readonly UsableBundle[]): ReadonlyMap<string, BuiltBundle> {
  // The configuration is read anew only where something stands beside it.
  if (bundles.length === 0) return new Map();
  const { bridge: attachBridge } = config.attach;
  const alone = bundles.map(({ owner, input }) => ({ owner, ...aloneOf(input, attachBridge) }));
  const modes = new Map(config.bridges.map(({ name, mode }) => [name, mode]));
  for (const { bridges } of alone) for (const { name, mode } of bridges) if (!modes.has(name)) modes.set(name, mode);
  const isDeclared = modes.has(attachBridge);
  for (const { ports } of alone) for (const { bridge } of ports) if (!modes.has(bridge)) modes.set(bridge, 'share');
  const known = [portsOfConfig(config).portNames, ...alone.map(({ portNames }) => portNames)];
  const isWritten = (name: string): boolean => known.some((names) => names.has(name));
  return new Map(
    alone.map(({ owner, bridges, chains, ports, patches }) => {
      const implied = patches.flatMap(({ bridge, input }) => impliedPort(bridge, input, modes, isWritten));
      const isShared = !isDeclared && ports.some((port) => port.bridge === attachBridge);
      const shared = isShared ? bridgesAlone([sharedBridge(attachBridge)]) : noBridges;
      return [owner, { bridges: [...bridges, ...shared], ports: [...ports, ...implied], chains }];
    }),
  );
}

function impliedPort(
  bridge: string,
  port: PortInput,
  modes: ReadonlyMap<string, BridgeMode>,
  isWritten: (name: string) => boolean,
): readonly BuiltPort[] {
  const side = impliedPeer({ bridge, mode: modes.get(bridge) ?? 'own' }, port, modes, isWritten);
  return side === undefined ? [] : [{ bridge: side.bridge, port: side.port }];
}
