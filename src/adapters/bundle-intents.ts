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
  contradictionsOf,
  holderName,
  readBundle,
  type BundleBase,
  type ReadBundle,
} from '../config/bundle.js';
import { buildBundles, isUsable, type BuiltBundle } from '../config/bundle-build.js';
import type { BundleConflict } from '../config/bundle-conflicts.js';
import type { Config } from '../config/config.js';
import type { ConfigProblem } from '../config/problem.js';
import { safeText } from '../lib/text.js';
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

function intentsOfBundle(owner: string, { bridges, ports, chains }: BuiltBundle): typeof nothing {
  const holder: Holder = { rank: 1, name: holderName(owner) };
  return {
    intents: {
      bridges: bridges.map((bridge) => bridgeIntent(bridge, holder)),
      ports: ports.map(({ bridge, port }) => portIntent(bridge, port, holder)),
    },
    chains: chains.map((chain) => chainIntent(chain, holder)),
  };
}

export class BundleIntents implements BundleCompiler {
  #config: Config;
  #base: BundleBase;
  /** A bundle is read once. */
  readonly #read = new WeakMap<PlainBundle, ReadBundle>();

  constructor(config: Config) {
    this.#config = config;
    this.#base = bundleBase(config);
  }

  /** Takes over a new configuration. */
  replace(config: Config): void {
    this.#config = config;
    this.#base = bundleBase(config);
  }

  check(asked: OwnedBundle, others: readonly OwnedBundle[]): BundleVerdict {
    const verdict = checkBundle(
      this.#base,
      this.#readOf(asked),
      others.map((entry) => this.#readOf(entry)),
    );
    if (verdict.kind === 'valid') return verdict;
    if (verdict.kind === 'conflict') return { kind: 'conflict', conflicts: verdict.conflicts.map(conflictOf) };
    return { kind: 'invalid', violations: bounded(verdict.problems) };
  }

  compile(bundles: readonly OwnedBundle[]): CompiledIntents {
    const config = this.#config;
    const read = bundles.map((entry) => this.#readOf(entry));
    const usable = read.filter((bundle) => isUsable(bundle, config));
    const built = buildBundles(config, usable);
    const contradictions = contradictionsOf(this.#base, usable);
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
      configuration: { intents: intentsOf(config), chains: chainIntentsOf(config) },
      owners: new Map(owners),
    };
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
