/**
 * Plain data from an untrusted caller as a source tree, with bounds on everything that it can make grow. Knows nothing of
 * which keys are valid.
 */
import type { ConfigPath } from './path.js';
import type { ProblemList } from './problem-list.js';
import type { MapEntry, Place, SourceNode } from './source-tree.js';

/** The schema is seven levels deep. */
const depthMax = 32;
/** A port is some twenty values, so this is many times the largest bundle that the schema allows in each of its parts. */
const nodesMax = 500_000;

/** A bundle comes with the request and has no lines. */
export const bundlePlace: Place = { kind: 'flag' };

const emptyValue: SourceNode = { kind: 'scalar', place: bundlePlace, value: null, text: '' };

const isFiniteNumber = (value: unknown): value is number => Number.isFinite(value);

/** The tree of `value`; what is no plain data, too deep, too much, or under a key that JavaScript takes for its own is a problem. */
export function treeOf(value: unknown, problems: ProblemList): SourceNode {
  return new TreeMaker(problems).node(value, []);
}

class TreeMaker {
  readonly #problems: ProblemList;
  #count = 0;

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  node(value: unknown, path: ConfigPath): SourceNode {
    this.#count += 1;
    if (this.#count > nodesMax) {
      if (this.#count === nodesMax + 1) this.#problem([], `there are more than ${nodesMax} values`);
      return emptyValue;
    }
    if (typeof value === 'string' || isFiniteNumber(value) || typeof value === 'boolean') {
      return { kind: 'scalar', place: bundlePlace, value, text: String(value) };
    }
    if (value === null) return emptyValue;
    if (typeof value !== 'object') return this.#refused(path, 'this is neither a map, a list, text nor a number');
    if (path.length >= depthMax) return this.#refused(path, `more than ${depthMax} levels of nesting`);
    if (Array.isArray(value)) {
      const items = value.map((item: unknown, index) => this.node(item, [...path, index]));
      return { kind: 'list', place: bundlePlace, items };
    }
    return this.#map(value, path);
  }

  #map(value: object, path: ConfigPath): SourceNode {
    const entries = new Map<string, MapEntry>();
    for (const [key, child] of Object.entries(value) as [string, unknown][]) {
      if (child === undefined) continue;
      if (key === '__proto__') this.#problem([...path, key], 'this key is not allowed');
      else entries.set(key, { keyPlace: bundlePlace, value: this.node(child, [...path, key]) });
    }
    return { kind: 'map', place: bundlePlace, entries };
  }

  #refused(path: ConfigPath, message: string): SourceNode {
    this.#problem(path, message);
    return emptyValue;
  }

  #problem(path: ConfigPath, message: string): void {
    this.#problems.add(path, bundlePlace, message);
  }
}
