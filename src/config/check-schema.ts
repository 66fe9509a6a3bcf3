/**
 * Checks a source tree against the schema and says what is wrong with each value in words. Every value is checked on its
 * own; rules over several keys come after, in the `rules` files.
 */
import type * as z from 'zod';
import { safeText } from '../lib/text.js';
import { nearest } from '../lib/nearest.js';
import { type ConfigPath, type PathStep } from './path.js';
import type { ProblemList } from './problem-list.js';
import { configSchema, type ConfigInput } from './schema.js';
import { allowedText, schemaAt, shapeOf } from './schema-shape.js';
import { isSecretValue, redacted } from './secret.js';
import { keyPlaceAt, nodeAt, placeAt, type ScalarNode, type SourceNode } from './source-tree.js';
import { unknownKeyRemedy } from './unknown-key.js';

/** Plain data as the schema wants to see it, and what came of checking it. */
export interface SchemaResult<T = ConfigInput> {
  /** Values that are wrong are still in it. */
  readonly plain: unknown;
  /** With defaults; undefined when anything was wrong. */
  readonly config: T | undefined;
}

/** Where problems go, and what they are problems of. */
interface Check {
  readonly root: SourceNode;
  readonly schema: z.ZodType;
  readonly problems: ProblemList;
}

/** Checks the tree of a configuration; problems go to `problems`. */
export function checkSchema(root: SourceNode, problems: ProblemList): SchemaResult {
  return checkAgainst(configSchema, root, problems);
}

/** Checks a tree against any schema that is made of what the configuration's is made of. */
export function checkAgainst<S extends z.ZodType>(
  schema: S,
  root: SourceNode,
  problems: ProblemList,
): SchemaResult<z.output<S>> {
  const plain = plainOf(root, schema);
  const result = schema.safeParse(plain);
  if (result.success) return { plain, config: result.data };
  for (const issue of result.error.issues) reportIssue(issue, { root, schema, problems });
  return { plain, config: undefined };
}

/**
 * The tree as plain data. Where text is wanted, an unquoted number or boolean is taken as it was written: the values of
 * OVSDB maps are text, and nobody should have to know which of them YAML would read otherwise. A key without a value is
 * as good as absent where a map or a list is wanted.
 */
function plainOf(node: SourceNode, schema: z.ZodType | undefined): unknown {
  const shape = schema === undefined ? undefined : shapeOf(schema);
  if (node.kind === 'scalar') return scalarOf(node, shape?.kind === 'text' || shape?.kind === 'choice');
  if (node.kind === 'list') {
    const item = shape?.kind === 'list' ? shape.item : undefined;
    return node.items.map((child) => plainOf(child, item));
  }
  const plain: Record<string, unknown> = {};
  for (const [key, { value }] of node.entries) {
    const child = shape?.kind === 'object' ? shape.keys.get(key) : shape?.kind === 'map' ? shape.value : undefined;
    if (!isAbsent(value, child)) plain[key] = plainOf(value, child);
  }
  return plain;
}

function scalarOf(node: ScalarNode, isText: boolean): unknown {
  return isText && node.value !== null ? node.text : node.value;
}

function isAbsent(node: SourceNode, schema: z.ZodType | undefined): boolean {
  if (schema === undefined || node.kind !== 'scalar' || node.value !== null) return false;
  return ['object', 'list', 'map'].includes(shapeOf(schema).kind);
}

function reportIssue(issue: z.core.$ZodIssue, check: Check): void {
  const { root, problems } = check;
  const path = issue.path.filter((step): step is PathStep => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) reportUnknownKey([...path, key], check);
  } else if (issue.code === 'invalid_key') {
    const allowed = 'a key has 1 to 255 printable ASCII characters and no spaces';
    problems.add(path, keyPlaceAt(root, path), `this key is not allowed; ${allowed}`);
  } else {
    reportValue(path, check);
  }
}

function reportUnknownKey(path: ConfigPath, { root, schema, problems }: Check): void {
  const key = String(path.at(-1));
  const parent = path.slice(0, -1);
  const remedy = unknownKeyRemedy(key, parent, schema);
  problems.add(path, keyPlaceAt(root, path), `unknown key "${safeText(key, 64)}"`, remedy);
}

function reportValue(path: ConfigPath, { root, schema: whole, problems }: Check): void {
  const schema = schemaAt(path, whole);
  const node = nodeAt(root, path);
  const allowed = schema === undefined ? '' : `; allowed: ${allowedText(schema)}`;
  if (node === undefined) {
    problems.add(path, placeAt(root, path), `missing${allowed}`);
    return;
  }
  const remedy = schema === undefined ? undefined : choiceRemedy(node, schema);
  problems.add(path, node.place, `${shown(node, path)} is not allowed here${allowed}`, remedy);
}

function choiceRemedy(node: SourceNode, schema: z.ZodType): string | undefined {
  const shape = shapeOf(schema);
  if (node.kind !== 'scalar' || shape.kind !== 'choice') return undefined;
  const guess = nearest(node.text, shape.values);
  return guess === undefined ? undefined : `Did you mean "${guess}"?`;
}

function shown(node: SourceNode, path: ConfigPath): string {
  if (node.kind !== 'scalar') return node.kind === 'map' ? 'a map' : `a list of ${node.items.length}`;
  if (node.value === null) return 'an empty value';
  if (isSecretValue(path, node.text)) return redacted;
  return typeof node.value === 'string' ? `"${safeText(node.text, 80)}"` : safeText(node.text, 80);
}
