/**
 * Reads YAML 1.2 text into a source tree, with bounds on everything a file can make grow: its depth, and what its aliases
 * expand to. Used for the configuration file and for values on the command line; knows nothing of which keys are valid.
 */
import { Composer, isAlias, isMap, isScalar, isSeq, LineCounter, Parser } from 'yaml';
import type { CST, Document, Pair, ParsedNode, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { ConfigPath } from './path.js';
import type { ProblemList } from './problem-list.js';
import type { ListNode, MapEntry, MapNode, Place, ScalarNode, SourceNode } from './source-tree.js';

/** The schema is six levels deep. The composer of the yaml library recurses, and a deep enough file would exhaust its stack. */
const depthMax = 32;

/** A thousand times a large configuration, and small enough to walk through in milliseconds. */
const nodesMax = 100_000;

/** A broken file tends to break on every line; the first few errors tell it all. */
const syntaxProblemsMax = 20;

/**
 * Reads `text`. An empty document is an empty map. Syntax errors, too deep or too large documents, duplicate keys, tags and
 * unknown aliases are reported to `problems`; undefined when there is no tree worth checking.
 * @param fixedPlace where all of it is said to be written, when it is not from the file
 */
export function readYaml(text: string, problems: ProblemList, fixedPlace?: Place): SourceNode | undefined {
  const lineCounter = new LineCounter();
  const placeOf = (offset: number): Place => fixedPlace ?? filePlace(lineCounter, offset);
  const tokens = [...new Parser(lineCounter.addNewLine).parse(text)];
  const tooDeep = deepOffset(tokens);
  if (tooDeep !== undefined) {
    problems.add([], placeOf(tooDeep), `more than ${depthMax} levels of nesting`);
    return undefined;
  }
  // The library's own check for duplicate keys is quadratic; TreeReader has its own.
  const documents = [...new Composer({ uniqueKeys: false }).compose(tokens, true, text.length)];
  const [document, second] = documents;
  if (document === undefined || reportSyntax(documents, problems, placeOf)) return undefined;
  if (second !== undefined) {
    problems.add([], placeOf(second.range[0]), 'a second YAML document; the file must hold exactly one');
    return undefined;
  }
  return new TreeReader(problems, placeOf).read(document);
}

function filePlace(lineCounter: LineCounter, offset: number): Place {
  const { line, col } = lineCounter.linePos(offset);
  return { kind: 'file', line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** The offset of the first token that is nested too deeply. The parser itself does not recurse. */
function deepOffset(tokens: readonly CST.Token[]): number | undefined {
  const pending = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { token, depth } = next;
    if (depth > depthMax) return token.offset;
    for (const child of childTokens(token)) pending.push({ token: child, depth: depth + 1 });
  }
  return undefined;
}

function childTokens(token: CST.Token): readonly CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!('items' in token)) return [];
  return token.items.flatMap((item) => [item.key ?? [], item.value ?? []].flat());
}

/** Reports what the library found wrong; true when that leaves nothing to check. */
function reportSyntax(
  documents: readonly Document.Parsed[],
  problems: ProblemList,
  placeOf: (offset: number) => Place,
): boolean {
  const faults = documents.flatMap((document) => [...document.errors, ...document.warnings]);
  for (const fault of faults.slice(0, syntaxProblemsMax)) {
    const isTab = fault.code === 'TAB_AS_INDENT';
    const message = isTab ? 'a tab is used for indentation' : `YAML: ${fault.message}`;
    problems.add([], placeOf(fault.pos[0]), message, isTab ? 'Indent with spaces.' : undefined);
  }
  return faults.length > 0;
}

/** Turns one composed document into a source tree. */
class TreeReader {
  readonly #problems: ProblemList;
  readonly #placeOf: (offset: number) => Place;
  /** By anchor; null while the anchor's own node is being read. An alias means the latest anchor before it. */
  readonly #anchors = new Map<string, SourceNode | null>();
  /** How many nodes each node stands for, aliases expanded. */
  readonly #sizes = new Map<SourceNode, number>();

  constructor(problems: ProblemList, placeOf: (offset: number) => Place) {
    this.#problems = problems;
    this.#placeOf = placeOf;
  }

  read(document: Document.Parsed): SourceNode | undefined {
    const root = this.#node(document.contents, [], 0);
    const size = this.#sizes.get(root) ?? 0;
    if (size <= nodesMax) return isEmpty(root) ? { kind: 'map', place: root.place, entries: new Map() } : root;
    const message = `stands for ${size} values once its aliases are expanded; at most ${nodesMax} are read`;
    this.#problems.add([], root.place, message);
    return undefined;
  }

  #node(node: ParsedNode | null, path: ConfigPath, parentOffset: number): SourceNode {
    if (node === null) return this.#scalarOf(null, '', this.#placeOf(parentOffset));
    const offset = node.range[0];
    if (isAlias(node)) return this.#alias(node.source, path, this.#placeOf(offset));
    const anchor = node.anchor;
    if (anchor !== undefined) this.#anchors.set(anchor, null);
    const read = this.#fresh(node, path, this.#placeOf(offset));
    if (anchor !== undefined) this.#anchors.set(anchor, read);
    return read;
  }

  #fresh(node: ParsedNode, path: ConfigPath, place: Place): SourceNode {
    if (isMap<ParsedNode, ParsedNode | null>(node)) return this.#map(node, path, place);
    if (isSeq<ParsedNode>(node)) return this.#list(node, path, place);
    if (isScalar(node)) return this.#scalar(node, place);
    return this.#scalarOf(null, '', place);
  }

  #alias(name: string, path: ConfigPath, place: Place): SourceNode {
    const target = this.#anchors.get(name);
    if (target !== undefined && target !== null) return target;
    const message = target === null ? `the alias *${name} contains itself` : `no anchor &${name} before this alias`;
    this.#problems.add(path, place, message);
    return this.#scalarOf(null, '', place);
  }

  #map(map: YAMLMap<ParsedNode, ParsedNode | null>, path: ConfigPath, place: Place): MapNode {
    const entries = new Map<string, MapEntry>();
    let size = 1;
    for (const pair of map.items) {
      const key = this.#key(pair, path);
      if (key === undefined) continue;
      const keyOffset = pair.key.range[0];
      const keyPlace = this.#placeOf(keyOffset);
      const value = this.#node(pair.value, [...path, key], keyOffset);
      size += this.#sizes.get(value) ?? 1;
      const earlier = entries.get(key);
      if (earlier === undefined) entries.set(key, { keyPlace, value });
      else this.#duplicate([...path, key], keyPlace, earlier.keyPlace);
    }
    return this.#sized({ kind: 'map', place, entries }, size);
  }

  #duplicate(path: ConfigPath, place: Place, earlier: Place): void {
    const where = earlier.kind === 'file' ? ` on line ${earlier.line}` : '';
    this.#problems.add(path, place, `this key was already given${where}`, 'Remove one of the two.');
  }

  /** The key's text as written; `__proto__` is refused because plain objects give it a meaning of its own. */
  #key(pair: Pair<ParsedNode, ParsedNode | null>, path: ConfigPath): string | undefined {
    const { key } = pair;
    if (isScalar(key) && key.value !== null) {
      const text = textOf(key);
      if (text !== '__proto__') return text;
    }
    this.#problems.add(path, this.#placeOf(key.range[0]), 'this key is not a plain word');
    return undefined;
  }

  #list(list: YAMLSeq<ParsedNode>, path: ConfigPath, place: Place): ListNode {
    const items = list.items.map((item, index) => this.#node(item, [...path, index], list.range?.[0] ?? 0));
    const size = items.reduce((sum, item) => sum + (this.#sizes.get(item) ?? 1), 1);
    return this.#sized({ kind: 'list', place, items }, size);
  }

  #scalar(scalar: Scalar, place: Place): SourceNode {
    const { value } = scalar;
    const isPlain = typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string';
    return this.#scalarOf(isPlain ? value : null, textOf(scalar), place);
  }

  #scalarOf(value: ScalarNode['value'], text: string, place: Place): ScalarNode {
    return this.#sized({ kind: 'scalar', place, value, text }, 1);
  }

  #sized<N extends SourceNode>(node: N, size: number): N {
    this.#sizes.set(node, size);
    return node;
  }
}

function isEmpty(node: SourceNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** Text as it was written: numbers keep their zeros and booleans their letters. */
function textOf(scalar: Scalar): string {
  if (typeof scalar.value === 'string') return scalar.value;
  return scalar.source ?? String(scalar.value);
}
