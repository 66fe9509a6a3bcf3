/** Bundles of owners as intents: checked and built by the rules of the configuration file, in the planner's words. */

import type { BundleViolation, IntentConflict, PlainBundle } from '../agent/intent-desk-types.js';
import type {
  BundleCompiler,
  BundleVerdict,
  CompiledIntents,
  OwnedBundle,
  OwnerIntents,
} from '../agent/intent-ports.js';
import {
  bundleBase,
  checkBundle,
  declaredBridges,
  contradictionsOf,
  holderName,
  readBundle,
  type BundleBase,
  type Contradiction,
  type ReadBundle,
} from '../config/bundle.js';
import { buildBundles, isUsable, type BuiltBundle } from '../config/bundle-build.js';
import type { BundleConflict } from '../config/bundle-conflicts.js';
import type { ChainConfig, Config } from '../config/config.js';
import type { ConfigProblem } from '../config/problem.js';
import { safeText } from '../lib/text.js';
import type { ChainIntent } from '../model/chain.js';
import type { PortIntent } from '../model/intent.js';
import { bridgeIntent, chainIntent, chainIntentsOf, intentsOf, portIntent, type Holder } from './config-intents.js';

/** Violations of one answer; nobody corrects more at once, and it has to fit into a message. */
const violationsMax = 100;

function violationOf({ path, message, remedy }: ConfigProblem): BundleViolation {
  return { field: path, message, remedy };
}

function conflictOf({ field, kind, name, bridge, holder, message }: BundleConflict): IntentConflict {
  return { field, object: { kind, name, ...(bridge === undefined ? {} : { bridge }) }, holder, message };
}

const nothing: Pick<OwnerIntents, 'intents' | 'chains'> = { intents: { bridges: [], ports: [] }, chains: [] };

/** By the port as it was built, which is kept as long as its bundle is. */
const portIntents = new WeakMap<object, PortIntent>();
const chainIntents = new WeakMap<ChainConfig, ChainIntent>();

function kept<K extends object, V>(memory: WeakMap<K, V>, key: K, make: () => V): V {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const made = make();
  memory.set(key, made);
  return made;
}

function intentsOfBundle(owner: string, { bridges, ports, chains }: BuiltBundle): typeof nothing {
  const holder: Holder = { rank: 1, name: holderName(owner) };
  return {
    intents: {
      bridges: bridges.map((bridge) => bridgeIntent(bridge, holder)),
      ports: ports.map((placed) => kept(portIntents, placed, () => portIntent(placed.bridge, placed.port, holder))),
    },
    chains: chains.map((chain) => kept(chainIntents, chain, () => chainIntent(chain, holder))),
  };
}

/** What is known of contradictions among bundles. */
interface Judged {
  readonly base: BundleBase;
  readonly bundles: readonly ReadBundle[];
  readonly contradictions: readonly Contradiction[];
}

export class BundleIntents implements BundleCompiler {
  #config: Config;
  #base: BundleBase;
  /** A bundle is read once. */
  readonly #read = new WeakMap<PlainBundle, ReadBundle>();
  #ofConfig: CompiledIntents['configuration'] | undefined;
  /** The last bundle that was found right, and beside which others. */
  #valid: { readonly asked: ReadBundle; readonly others: readonly ReadBundle[] } | undefined;
  #judged: Judged | undefined;

  constructor(config: Config) {
    this.#config = config;
    this.#base = bundleBase(config);
  }

  /** Takes over a new configuration. */
  replace(config: Config): void {
    this.#config = config;
    this.#base = bundleBase(config);
    this.#ofConfig = undefined;
    this.#valid = undefined;
  }

  check(asked: OwnedBundle, others: readonly OwnedBundle[]): BundleVerdict {
    const read = this.#readOf(asked);
    const beside = others.map((entry) => this.#readOf(entry));
    const verdict = checkBundle(this.#base, read, beside);
    if (verdict.kind === 'valid') {
      this.#valid = { asked: read, others: beside };
      return verdict;
    }
    if (verdict.kind === 'conflict') return { kind: 'conflict', conflicts: verdict.conflicts.map(conflictOf) };
    return { kind: 'invalid', violations: bounded(verdict.problems) };
  }

  compile(bundles: readonly OwnedBundle[]): CompiledIntents {
    const config = this.#config;
    const read = bundles.map((entry) => this.#readOf(entry));
    const usable = read.filter((bundle) => isUsable(bundle, config));
    const built = buildBundles(config, usable);
    const contradictions = this.#contradictions(usable);
    const owners = read.map(({ owner, problems }): [string, OwnerIntents] => {
      const bundle = built.get(owner);
      const found = contradictions
        .filter((entry) => entry.owner === owner)
        .map(({ message }) => safeText(message, 500));
      if (bundle !== undefined) return [owner, { ...intentsOfBundle(owner, bundle), contradictions: found }];
      const [first] = problems;
      const why = first === undefined ? 'keys that belong together are missing' : `${first.path}: ${first.message}`;
      return [owner, { ...nothing, contradictions: [`the bundle as a whole is not possible any more: ${why}`] }];
    });
    return {
      configuration: (this.#ofConfig ??= { intents: intentsOf(config), chains: chainIntentsOf(config) }),
      owners: new Map(owners),
    };
  }

  #contradictions(bundles: readonly ReadBundle[]): readonly Contradiction[] {
    const contradictions = this.#isSound(bundles) ? [] : contradictionsOf(this.#base, bundles);
    this.#judged = { base: this.#base, bundles, contradictions };
    return contradictions;
  }

  /**
   * Whether there is no contradiction for sure: there was none, what is new was found right beside all others, and no bridge
   * is missing on which others may have counted.
   */
  #isSound(bundles: readonly ReadBundle[]): boolean {
    const judged = this.#judged;
    if (judged === undefined || judged.base !== this.#base || judged.contradictions.length > 0) return false;
    const before = new Set(judged.bundles);
    const now = new Set(bundles);
    const declared = new Set(bundles.flatMap(declaredBridges));
    const gone = judged.bundles.filter((bundle) => !now.has(bundle)).flatMap(declaredBridges);
    if (gone.some((name) => !declared.has(name))) return false;
    const added = bundles.filter((bundle) => !before.has(bundle));
    if (added.length === 0) return true;
    const { asked, others } = this.#valid ?? {};
    if (added.length !== 1 || added[0] !== asked || others === undefined) return false;
    const rest = new Set(others);
    return bundles.every((bundle) => bundle === asked || rest.has(bundle));
  }

  #readOf({ owner, bundle }: OwnedBundle): ReadBundle {
    const known = this.#read.get(bundle);
    if (known?.owner === owner) return known;
    const read = readBundle(owner, bundle);
    this.#read.set(bundle, read);
    return read;
  }
}

function bounded(problems: readonly ConfigProblem[]): readonly BundleViolation[] {
  const shown = problems.slice(0, violationsMax).map(violationOf);
  if (problems.length <= violationsMax) return shown;
  const message = `there are ${problems.length - violationsMax} more problems`;
  return [...shown, { field: '$', message, remedy: undefined }];
}
