/**
 * Which objects of a bundle somebody else has: the same bridge, port, function, uplink or chain. Pure; a conflict is between
 * holders, and what a bundle does to itself is for the rules.
 */
import type { HolderDraft } from './bundle-draft.js';
import type { BridgeDraft, ChainDraft, Draft } from './draft.js';
import { formatPath, type ConfigPath } from './path.js';
import { functionKey, mayShareController, type FunctionInput } from './rules-function.js';
import type { PortInput } from './schema.js';
import { safeText } from '../lib/text.js';

/** An object of the bundle that another holder has. All texts are safe to print. */
export interface BundleConflict {
  readonly field: string;
  readonly kind: 'bridge' | 'port' | 'chain';
  readonly name: string;
  /** Of a port or chain. */
  readonly bridge: string | undefined;
  /** `configuration, bridge br-int`. */
  readonly holder: string;
  readonly message: string;
}

/** Nobody corrects more at once. */
const conflictsMax = 100;

interface Claim {
  readonly key: string;
  readonly holder: string;
  readonly path: ConfigPath;
  readonly kind: BundleConflict['kind'];
  readonly name: string;
  readonly bridge: string | undefined;
  /** What is claimed, for a person. */
  readonly words: string;
  readonly selector: FunctionInput | undefined;
}

type Found = Omit<Claim, 'holder'>;

function bridgeClaims({ path, value }: BridgeDraft): readonly Found[] {
  const { name } = value;
  if (name === undefined) return [];
  const words = `bridge ${name}`;
  return [{ key: words, path: [...path, 'name'], kind: 'bridge', name, bridge: undefined, words, selector: undefined }];
}

function functionWords({ pf, vf, sf, controller }: FunctionInput): string {
  const part = vf !== undefined ? `VF ${vf} of PF ${pf}` : sf !== undefined ? `SF ${sf} of PF ${pf}` : `PF ${pf}`;
  return controller === undefined ? part : `${part} of controller ${controller}`;
}

function portClaims({ path, value }: Draft<PortInput>, bridge: string | undefined): readonly Found[] {
  const { name, kind, representor, uplink } = value;
  const claims: Found[] = [];
  const add = (key: string, step: string, words: string, selector?: FunctionInput): void => {
    claims.push({ key, path: [...path, step], kind: 'port', name: name ?? words, bridge, words, selector });
  };
  if (name !== undefined) add(`port ${name}`, 'name', `port ${name}`);
  if (kind === 'uplink' && uplink !== undefined) add(`uplink ${uplink}`, 'uplink', `uplink ${uplink}`);
  if (kind === 'representor' && representor !== undefined) {
    add(`function ${functionKey(representor)}`, 'representor', functionWords(representor), representor);
  }
  return claims;
}

function chainClaims({ path, value }: ChainDraft): readonly Found[] {
  const { name, bridge } = value;
  if (name === undefined) return [];
  const words = `chain ${name}`;
  return [{ key: words, path: [...path, 'name'], kind: 'chain', name, bridge, words, selector: undefined }];
}

function claimsOf({ holder, bridges, chains, ports }: HolderDraft): readonly Claim[] {
  const found = [
    ...bridges.flatMap(bridgeClaims),
    ...bridges.flatMap((bridge) => bridge.ports.flatMap((port) => portClaims(port, bridge.value.name))),
    ...ports.flatMap(({ port, bridge }) => portClaims(port, bridge)),
    ...chains.flatMap(chainClaims),
  ];
  return found.map((claim) => ({ ...claim, holder }));
}

function areSame(a: Claim, b: Claim): boolean {
  return a.selector === undefined || b.selector === undefined || mayShareController(a.selector, b.selector);
}

/** The path as its owner knows it: a controller's begins with its name, to tell the bundles apart. */
function ownPath({ path, holder }: Claim): string {
  return formatPath(path[0] === holder ? path.slice(1) : path);
}

function conflictOf(mine: Claim, theirs: Claim): BundleConflict {
  const where = theirs.kind === 'port' && theirs.bridge !== undefined ? ` of ${theirs.bridge}` : '';
  const what = theirs.kind === 'port' ? `port ${theirs.name}${where}` : theirs.words;
  const holder = safeText(`${theirs.holder}, ${what}`);
  return {
    field: safeText(formatPath(mine.path), 200),
    kind: mine.kind,
    name: safeText(mine.name),
    bridge: mine.bridge === undefined ? undefined : safeText(mine.bridge),
    holder,
    message: safeText(`${mine.words} belongs to ${holder} (${ownPath(theirs)}), and is wanted by ${mine.holder}`, 500),
  };
}

/** What each holder has, made once for each draft. */
const claimsByKey = new WeakMap<HolderDraft, ReadonlyMap<string, readonly Claim[]>>();

function takenBy(holder: HolderDraft): ReadonlyMap<string, readonly Claim[]> {
  const known = claimsByKey.get(holder);
  if (known !== undefined) return known;
  const taken = new Map<string, Claim[]>();
  for (const claim of claimsOf(holder)) {
    const claims = taken.get(claim.key);
    if (claims === undefined) taken.set(claim.key, [claim]);
    else claims.push(claim);
  }
  claimsByKey.set(holder, taken);
  return taken;
}

/** The objects of `asker` that one of `others` has; at most a hundred, in the order of the bundle. */
export function conflictsOf(asker: HolderDraft, others: readonly HolderDraft[]): readonly BundleConflict[] {
  const taken = others.map(takenBy);
  const conflicts: BundleConflict[] = [];
  for (const mine of claimsOf(asker)) {
    for (const claims of taken) {
      const theirs = claims.get(mine.key)?.find((claim) => areSame(claim, mine));
      if (theirs === undefined) continue;
      conflicts.push(conflictOf(mine, theirs));
      break;
    }
    if (conflicts.length >= conflictsMax) break;
  }
  return conflicts;
}
