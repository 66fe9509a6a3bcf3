/**
 * Environment variables and `--set path=value`: laid over the tree of the file before anything is checked, so that an
 * overridden value is judged like one in the file. The environment overrides the file, flags override both.
 */
import { nearest } from '../lib/nearest.js';
import { formatPath, parsePath, type ConfigPath } from './path.js';
import type { ProblemList } from './problem-list.js';
import { configSchema } from './schema.js';
import { schemaAt, shapeOf, type Shape } from './schema-shape.js';
import {
  nodeAt,
  resolvePath,
  withValue,
  type ListNode,
  type Place,
  type ScalarNode,
  type SourceNode,
} from './source-tree.js';
import { readYaml } from './yaml-source.js';

/** Names the configuration file; read by the command line, not here. */
export const configFileVariable = 'DPU_AGENT_CONFIG';

const prefix = 'DPU_AGENT_';

/**
 * What Kubernetes sets in every pod of a namespace with a Service called `dpu-agent`, or `dpu-agent-` and more
 * (kubernetes.io, "Accessing the Service", environment variables): not meant for us, and no reason to refuse to start.
 */
const serviceLink = /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/**
 * The variable of every key that has one: all single values and lists of words outside `bridges` and `chains`. `agent.` is left out of
 * the name: `agent.fullResyncMs` is DPU_AGENT_FULL_RESYNC_MS, `log.level` is DPU_AGENT_LOG_LEVEL.
 */
export function environmentVariables(): ReadonlyMap<string, ConfigPath> {
  const variables = new Map<string, ConfigPath>();
  const pending: ConfigPath[] = [[]];
  for (let path = pending.shift(); path !== undefined; path = pending.shift()) {
    const shape = shapeAt(path);
    if (shape?.kind === 'object') pending.push(...childPaths(path, shape.keys.keys()));
    else if (!isListOfMaps(shape)) variables.set(variableName(path), path);
  }
  return variables;
}

/** Bridges and chains are too much for a variable. */
function isListOfMaps(shape: Shape | undefined): boolean {
  return shape?.kind === 'list' && shapeOf(shape.item).kind === 'object';
}

function childPaths(path: ConfigPath, keys: Iterable<string>): readonly ConfigPath[] {
  return [...keys].map((key) => [...path, key]);
}

function variableName(path: ConfigPath): string {
  const steps = path[0] === 'agent' ? path.slice(1) : path;
  return prefix + steps.map((step) => String(step).replace(/[A-Z]/g, '_$&').toUpperCase()).join('_');
}

function shapeAt(path: ConfigPath): Shape | undefined {
  const schema = path.length === 0 ? configSchema : schemaAt(path);
  return schema === undefined ? undefined : shapeOf(schema);
}

/** Lays the environment over `root`; an empty variable counts as not set. */
export function withEnvironment(
  root: SourceNode,
  env: Readonly<Record<string, string | undefined>>,
  problems: ProblemList,
): SourceNode {
  const known = environmentVariables();
  let result = root;
  for (const name of Object.keys(env).sort()) {
    const text = env[name];
    if (!name.startsWith(prefix) || name === configFileVariable || text === undefined || text === '') continue;
    const place: Place = { kind: 'env', name };
    const path = known.get(name);
    if (path !== undefined) {
      result = withText(result, path, text, place, problems);
    } else if (!serviceLink.test(name)) {
      const guess = nearest(name, [...known.keys(), configFileVariable]);
      problems.add(
        name,
        place,
        'unknown environment variable',
        guess === undefined ? undefined : `Did you mean ${guess}?`,
      );
    }
  }
  return result;
}

/** Lays `path=value` texts over `root`, in their order. */
export function withSets(root: SourceNode, sets: readonly string[], problems: ProblemList): SourceNode {
  return sets.reduce((tree, set) => withSet(tree, set, problems), root);
}

function withSet(root: SourceNode, set: string, problems: ProblemList): SourceNode {
  const place: Place = { kind: 'flag' };
  const { left, right } = splitSet(set);
  const path = right === undefined ? undefined : parsePath(left);
  if (path === undefined || right === undefined) {
    problems.add(
      left === '' ? '--set' : left,
      place,
      'not of the form path=value',
      'For example: --set log.level=debug',
    );
    return root;
  }
  const resolved = resolvePath(root, path);
  if ('missing' in resolved) {
    problems.add(path, place, `there is no item "${resolved.missing}" in ${formatPath(resolved.at)}`);
    return root;
  }
  return withText(root, resolved.path, right, place, problems);
}

/** At the first `=` outside brackets: a quoted key may hold one. */
function splitSet(set: string): { readonly left: string; readonly right: string | undefined } {
  const match = /^((?:\[[^\]]*\]|[^=[])*)=([^]*)$/.exec(set);
  return match === null ? { left: set, right: undefined } : { left: match[1] ?? '', right: match[2] };
}

function withText(root: SourceNode, path: ConfigPath, text: string, place: Place, problems: ProblemList): SourceNode {
  const blocker = blockerOf(root, path);
  if (blocker !== undefined) {
    problems.add(path, place, `${formatPath(blocker)} is not a map, so nothing can be set in it`);
    return root;
  }
  const value = valueOf(text, shapeAt(path), place, problems);
  return value === undefined ? root : withValue(root, path, value);
}

/** The part of the path that holds something else than a map or a list; overriding it would hide what the file says. */
function blockerOf(root: SourceNode, path: ConfigPath): ConfigPath | undefined {
  for (let length = 0; length < path.length; length += 1) {
    const parent = path.slice(0, length);
    const node = nodeAt(root, parent);
    const isList = node?.kind === 'list' && typeof path[length] === 'string';
    const isScalar = node?.kind === 'scalar' && node.value !== null;
    if (isList || isScalar) return parent;
  }
  return undefined;
}

/** Text as it is where text is wanted; a list of words by commas; everything else as YAML. */
function valueOf(text: string, shape: Shape | undefined, place: Place, problems: ProblemList): SourceNode | undefined {
  if (shape?.kind === 'text' || shape?.kind === 'choice') return scalar(text, place);
  const isWords = shape?.kind === 'list' && ['text', 'choice'].includes(shapeOf(shape.item).kind);
  if (isWords && !text.trimStart().startsWith('[')) return wordList(text, place);
  return readYaml(text, problems, place);
}

function scalar(text: string, place: Place): ScalarNode {
  return { kind: 'scalar', place, value: text, text };
}

function wordList(text: string, place: Place): ListNode {
  return { kind: 'list', place, items: text.split(',').map((word) => scalar(word.trim(), place)) };
}
