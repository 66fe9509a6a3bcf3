/**
 * Which offload engine runs, on what evidence, and whether it was a better one before. Pure. The engine of single bridges is
 * told by `engineOf`; here it is the one of the machine.
 */

import { safeText } from '../lib/text.js';
import type { Fact } from '../model/fact.js';
import { engineOf } from './judge-offload.js';
import type { OffloadEngine } from './offload.js';

/**
 * - `doca`, `dpdk`: userspace with OVS-DOCA, or with DPDK and rte_flow.
 * - `tc`: the kernel's datapath, offloaded by TC flower.
 * - `none`: nothing that could offload.
 * - `unknown`: what would tell was not read.
 */
export type EngineKind = 'doca' | 'dpdk' | 'tc' | 'none' | 'unknown';

export interface EngineFacts {
  /** datapath_type of each bridge. */
  readonly bridges: Fact<readonly { readonly name: string; readonly datapathType: string }[]>;
  readonly root: Fact<{
    readonly datapathTypes: readonly string[];
    readonly ifaceTypes: readonly string[];
    /** Undefined: the schema has no such column. */
    readonly isDpdkInitialized: boolean | undefined;
    readonly isDocaInitialized: boolean | undefined;
  }>;
  /** Mode of each embedded switch, as devlink says. */
  readonly eswitchModes: Fact<readonly string[]>;
}

export interface EngineView {
  readonly kind: EngineKind;
  /** Of the bridges. */
  readonly engines: ReadonlySet<OffloadEngine>;
  /** Whether OVS-DOCA runs, with bridges or without; undefined: not known. */
  readonly isDoca: boolean | undefined;
  /** TC, and no mode of an embedded switch is known: there may be nothing to offload to. */
  readonly isAssumed?: boolean | undefined;
  /** datapath_type of the bridges, each once, sorted. */
  readonly datapathTypes?: readonly string[] | undefined;
  /** Bridges use several datapaths. */
  readonly isMixed: boolean;
  /** What was seen, a sentence each. */
  readonly basis: readonly string[];
}

/** Strongest first. */
const strength: readonly EngineKind[] = ['doca', 'dpdk', 'tc', 'none'];

/** The engine of bridges of one datapath_type. A column that says no outweighs an interface type that the build merely knows of. */
export function engineOfType(type: string, root: Omit<RootValue, 'datapathTypes'>): OffloadEngine {
  const { isDpdkInitialized, isDocaInitialized, ifaceTypes } = root;
  return engineOf(type, {
    otherConfig: new Map<string, string>(),
    isDpdkInitialized: isDpdkInitialized ?? false,
    isDocaInitialized: isDocaInitialized ?? false,
    ifaceTypes: ifaceTypes.filter((name) => isOffered(name, root)),
  });
}

function isOffered(type: string, { isDpdkInitialized, isDocaInitialized }: Omit<RootValue, 'datapathTypes'>): boolean {
  return !(type === 'doca' && isDocaInitialized === false) && !(type === 'dpdk' && isDpdkInitialized === false);
}

export function detectEngine({ bridges, root, eswitchModes }: EngineFacts): EngineView {
  const nothing = { engines: new Set<OffloadEngine>(), isDoca: undefined, isMixed: false };
  if (root.kind === 'unknown') return { ...nothing, kind: 'unknown', basis: [root.why] };
  if (bridges.kind === 'unknown') return { ...nothing, kind: 'unknown', basis: [bridges.why] };
  const types = [...new Set(bridges.value.map(({ datapathType }) => datapathType || 'system'))].sort();
  const engines = new Set(types.map((type) => engineOfType(type, root.value)));
  const { isDocaInitialized, ifaceTypes } = root.value;
  const isDoca =
    isDocaInitialized === true ||
    ifaceTypes.some((type) => type === 'doca' && isOffered(type, root.value)) ||
    engines.has('doca');
  const kinds = [...engines].map((engine) => kindOf(engine, eswitchModes));
  const kind = kinds.includes('unknown') && !kinds.includes('doca') ? 'unknown' : strongest(kinds);
  return {
    ...{ kind, engines, isDoca, isMixed: types.length > 1, datapathTypes: types },
    isAssumed: kind === 'tc' && eswitchModes.kind === 'unknown',
    basis: basisOf(types, root.value, eswitchModes),
  };
}

/** TC without an embedded switch in switchdev mode has nothing to offload to. */
function kindOf(engine: OffloadEngine, eswitchModes: EngineFacts['eswitchModes']): EngineKind {
  if (engine === 'unknown') return 'unknown';
  if (engine === 'doca' || engine === 'dpdk') return engine;
  if (engine !== 'tc') return 'none';
  return eswitchModes.kind === 'known' && !eswitchModes.value.includes('switchdev') ? 'none' : 'tc';
}

function strongest(kinds: readonly EngineKind[]): EngineKind {
  return strength.find((kind) => kinds.includes(kind)) ?? 'none';
}

type RootValue = (EngineFacts['root'] & { readonly kind: 'known' })['value'];

function basisOf(
  types: readonly string[],
  { datapathTypes, ifaceTypes, isDpdkInitialized, isDocaInitialized }: RootValue,
  modes: EngineFacts['eswitchModes'],
): readonly string[] {
  const list = (entries: readonly string[]): string => safeText(entries.join(', ') || 'none', 256);
  const column = (value: boolean | undefined): string => (value === undefined ? 'not a column here' : String(value));
  return [
    `datapaths of the bridges: ${list(types)}`,
    `datapath_types: ${list(datapathTypes)}`,
    `iface_types: ${list(ifaceTypes.filter((type) => /doca|dpdk/.test(type)))} of DPDK and DOCA`,
    `dpdk_initialized: ${column(isDpdkInitialized)}, doca_initialized: ${column(isDocaInitialized)}`,
    modes.kind === 'known' ? `modes of the embedded switches: ${list(modes.value)}` : safeText(modes.why),
  ];
}

/** The engine changed: both views, for the journal. */
export interface EngineEvent {
  readonly from: EngineView;
  readonly to: EngineView;
  /** The new one does less: was DOCA, now TC. */
  readonly isRegress: boolean;
  readonly message: string;
}

/** The engine of now, and the strongest since somebody looks. */
export interface EngineState {
  readonly now: EngineView | undefined;
  readonly best: EngineView | undefined;
}

export const engineUnseen: EngineState = { now: undefined, best: undefined };

const names: Readonly<Record<EngineKind, string>> = {
  doca: 'OVS-DOCA',
  dpdk: 'OVS-DPDK',
  tc: 'kernel TC',
  none: 'none',
  unknown: 'unknown',
};

/** Whether `one` does less than `other`. */
export function isWeaker(one: EngineKind, other: EngineKind): boolean {
  return one !== 'unknown' && other !== 'unknown' && strength.indexOf(one) > strength.indexOf(other);
}

/** TC was or is only assumed, and the other view is no other engine for that. */
function isGuess(now: EngineView, view: EngineView): boolean {
  if (now.isAssumed === true) return view.kind === 'none';
  return view.isAssumed === true && now.kind === 'none';
}

/** Takes a look. An engine that is not known changes nothing: it is no evidence of another one. */
export function observeEngine(state: EngineState, view: EngineView): readonly [EngineState, EngineEvent | undefined] {
  if (view.kind === 'unknown') return [state, undefined];
  const { now, best } = state;
  const isBest = view.isAssumed !== true && (best === undefined || !isWeaker(view.kind, best.kind));
  const next = { now: view, best: isBest ? view : best };
  if (now === undefined || now.kind === view.kind || isGuess(now, view)) return [next, undefined];
  const isRegress = isWeaker(view.kind, now.kind);
  const message = `The offload engine was ${names[now.kind]} and is ${names[view.kind]}.`;
  return [next, { from: now, to: view, isRegress, message }];
}
