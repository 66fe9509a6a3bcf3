/**
 * Checks what an owner hands in over the API with the schema and the rules of the configuration file, held against the
 * configuration and the bundles of the other owners, as if one file said it all. Changes nothing; building what was found
 * right is done in `bundle-build.ts`.
 */
import { checkAgainst } from './check-schema.js';
import { conflictsOf, type BundleConflict } from './bundle-conflicts.js';
import { bundleDraft, bundleParts, mergedDraft, type HolderDraft } from './bundle-draft.js';
import { checkBundle as checkBundleRules } from './bundle-rules.js';
import { bundleSchema, type BundleInput } from './bundle-schema.js';
import { bundlePlace, treeOf } from './bundle-tree.js';
import { relevantParts } from './bundle-relevant.js';
import type { Config } from './config.js';
import { draftOf, type ConfigDraft } from './draft.js';
import { fileShapeOf } from './file-shape.js';
import { formatPath, rootPath, type ConfigPath } from './path.js';
import { ProblemList } from './problem-list.js';
import type { ConfigProblem } from './problem.js';
import { applyRules } from './rules.js';

/** A bundle as it came: plain data in the words of the configuration file. */
export interface PlainBundle {
  readonly bridges: readonly unknown[];
  readonly ports: readonly unknown[];
  readonly chains: readonly unknown[];
  readonly attachments: readonly unknown[];
}

/** A bundle that was read: each value on its own is known to be right or wrong. */
export interface ReadBundle {
  readonly owner: string;
  /** Wrong values are still in it. */
  readonly plain: unknown;
  /** With defaults; undefined when any value is wrong. */
  readonly input: BundleInput | undefined;
  /** What is wrong with single values. */
  readonly problems: readonly ConfigProblem[];
}

/** What bundles are held against: the configuration as a draft, made once. */
export interface BundleBase {
  readonly draft: ConfigDraft;
  /** The configuration as the holder of what is in it. */
  readonly holder: HolderDraft;
  readonly attachBridge: string;
}

export type BundleCheck =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }
  | { readonly kind: 'conflict'; readonly conflicts: readonly BundleConflict[] };

/** The configuration, to hold bundles against. */
export function bundleBase(config: Config): BundleBase {
  const draft = draftOf(fileShapeOf(config), ['configuration']);
  const holder: HolderDraft = { holder: 'configuration', bridges: draft.bridges, chains: draft.chains, ports: [] };
  return { draft, holder, attachBridge: config.attach.bridge };
}

/** How an owner is called among those who want something. */
export const holderName = (owner: string): string => `controller ${owner}`;

/** Checks every value of a bundle by itself. */
export function readBundle(owner: string, bundle: PlainBundle): ReadBundle {
  const problems = new ProblemList('');
  const { bridges, ports, chains, attachments } = bundle;
  const tree = treeOf({ bridges, ports, chains, attachments }, problems);
  const { plain, config } = checkAgainst(bundleSchema, tree, problems);
  return { owner, plain, input: problems.isEmpty ? config : undefined, problems: problems.all };
}

/** Names of the bridges that a bundle declares. */
export function declaredBridges({ input }: ReadBundle): readonly string[] {
  return input?.bridges.map(({ name }) => name) ?? [];
}

/** Something that a rule says, before it is known whom to tell. */
interface Saying {
  readonly path: ConfigPath;
  readonly message: string;
  readonly remedy: string | undefined;
}

function sayingsOf(base: BundleBase, holders: readonly HolderDraft[], asker?: [ReadBundle, HolderDraft]): Saying[] {
  const { draft } = mergedDraft(base.draft, holders, base.attachBridge);
  const sayings: Saying[] = [];
  const report = (path: ConfigPath, message: string, remedy?: string): void => {
    sayings.push({ path, message, remedy });
  };
  applyRules(draft, report);
  if (asker !== undefined) checkBundleRules(asker[0].plain, asker[1], draft, report);
  return sayings;
}

const sayingKey = ({ path, message }: Saying): string => JSON.stringify([path, message]);

/** The key of a note that an attachment makes is one of its own keys. */
function ownPath(path: ConfigPath): ConfigPath {
  if (path[0] !== 'attachments' || path[2] !== 'interfaceExternalIds') return path;
  return [...path.slice(0, 2), 'externalIds', ...path.slice(3)];
}

// What a rule says of the other side, in the words of `formatPath`.
const mentioned = /(?:^|\s)((?:bridges|ports|chains|attachments)\[\d+\][^\s,;"]*)/;

/**
 * Checks the bundle of `asker` against the configuration and `others`. A rule that finds its fault elsewhere, and would not
 * have found it without the bundle, is told at the part of the bundle that it names, with the place of the other side.
 */
export function checkBundle(base: BundleBase, asker: ReadBundle, others: readonly ReadBundle[]): BundleCheck {
  const mine = bundleDraft(holderName(asker.owner), asker, [], base.attachBridge);
  const theirs = others.map((other) => holderDraft(base, other));
  const conflicts = asker.input === undefined ? [] : conflictsOf(mine, [base.holder, ...theirs]);
  if (conflicts.length > 0) return { kind: 'conflict', conflicts };
  const relevant = relevantParts(mine, base.draft, theirs);
  const near: BundleBase = { ...base, draft: relevant.base };
  const sayings = sayingsOf(near, [...relevant.others, mine], [asker, mine]);
  const isOwn = ({ path }: Saying): boolean => bundleParts.has(path[0]);
  const problems = new ProblemList('');
  for (const { path, message, remedy } of sayings.filter(isOwn))
    problems.add(ownPath(path), bundlePlace, message, remedy);
  const foreign = sayings.filter((saying) => !isOwn(saying));
  // What is wrong without the bundle is not its fault.
  const before = new Set(foreign.length === 0 ? [] : sayingsOf(near, relevant.others).map(sayingKey));
  for (const saying of foreign.filter((entry) => !before.has(sayingKey(entry)))) {
    const { path, message, remedy } = saying;
    const field = mentioned.exec(message)?.[1] ?? rootPath;
    problems.add(field, bundlePlace, `at ${formatPath(path)}: ${message}`, remedy);
  }
  const all = [...asker.problems, ...problems.all];
  return all.length === 0 ? { kind: 'valid' } : { kind: 'invalid', problems: all };
}

/** Of each bundle that was read, as the others see it. */
const holderDrafts = new WeakMap<ReadBundle, { readonly attachBridge: string; readonly draft: HolderDraft }>();

function holderDraft({ attachBridge }: BundleBase, bundle: ReadBundle): HolderDraft {
  const known = holderDrafts.get(bundle);
  if (known?.attachBridge === attachBridge) return known.draft;
  const holder = holderName(bundle.owner);
  const draft = bundleDraft(holder, bundle, [holder], attachBridge);
  holderDrafts.set(bundle, { attachBridge, draft });
  return draft;
}

/** One contradiction among what is in force, and whose bundle it is about. */
export interface Contradiction {
  readonly owner: string;
  readonly message: string;
}

/** Nobody reads more at once. */
const contradictionsMax = 100;

/**
 * What contradicts what among bundles that were accepted, for the configuration may have become another since. Each is told
 * once, at the owner that it lies with or that it names; the lowest priority has the last in the list.
 */
export function contradictionsOf(base: BundleBase, bundles: readonly ReadBundle[]): readonly Contradiction[] {
  const holders = bundles.map((bundle) => holderDraft(base, bundle));
  const found: Contradiction[] = [];
  const { draft, unplaced } = mergedDraft(base.draft, holders, base.attachBridge);
  const add = (path: ConfigPath, message: string): void => {
    const owner = bundles.find((entry) => {
      const holder = holderName(entry.owner);
      return path[0] === holder || message.includes(formatPath([holder]));
    });
    if (owner !== undefined) found.push({ owner: owner.owner, message: `${formatPath(path)}: ${message}` });
  };
  applyRules(draft, add);
  for (const { bridge, bridgePath } of unplaced) {
    add(bridgePath, `bridge "${bridge ?? ''}" is declared neither by the configuration nor by an owner any more`);
  }
  return found.slice(0, contradictionsMax);
}
