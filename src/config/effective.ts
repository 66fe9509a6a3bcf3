/**
 * Shows the configuration in effect as YAML, each value with a comment that says where it comes from. For people and for
 * support bundles: what may be a secret is blotted out, and all else can be loaded again.
 */
import { Document, isScalar, Pair, Scalar, YAMLMap, YAMLSeq, type Node } from 'yaml';
import type { Config } from './config.js';
import { fileShapeOf, isLeaf, isList, type FileMap, type FileValue } from './file-shape.js';
import { formatPath, type ConfigPath } from './path.js';
import type { Origin } from './problem.js';
import { isSecretValue, redacted } from './secret.js';

/** `config` as a YAML document; sides of patch pairs that `createPeer` made are not written out. */
export function formatEffective(config: Config, origins: ReadonlyMap<string, Origin>): string {
  const document = new Document();
  document.contents = nodeOf(fileShapeOf(config), [], origins);
  return document.toString({ lineWidth: 0 });
}

function nodeOf(value: FileValue, path: ConfigPath, origins: ReadonlyMap<string, Origin>): Node {
  if (isLeaf(value)) return leafOf(value, path, origins);
  if (isList(value)) {
    const list = new YAMLSeq<Node>();
    list.items = value.map((item, index) => nodeOf(item, [...path, index], origins));
    return list;
  }
  return typeof value === 'object' ? mapNode(value, path, origins) : leafOf(value, path, origins);
}

function mapNode(map: FileMap, path: ConfigPath, origins: ReadonlyMap<string, Origin>): YAMLMap {
  const node = new YAMLMap<Scalar, Node>();
  node.items = Object.entries(map).map(
    ([key, child]) => new Pair<Scalar, Node>(new Scalar(key), nodeOf(child, [...path, key], origins)),
  );
  return node;
}

function leafOf(value: FileValue, path: ConfigPath, origins: ReadonlyMap<string, Origin>): Node {
  const shown = typeof value === 'string' && isSecretValue(path, value) ? redacted : value;
  const node = new Document(shown).contents ?? new Scalar(null);
  if (!isScalar(node)) (node as YAMLMap | YAMLSeq).flow = true;
  // Text over several lines would have its comment in the middle of it.
  if (isScalar(node) && typeof shown === 'string') node.type = textStyle(shown);
  node.comment = ` ${origins.get(formatPath(path)) ?? 'default'}`;
  return node;
}

/** Plain where nothing can be mistaken; the library quotes plain text by itself where YAML demands it. */
function textStyle(text: string): Scalar.Type {
  return /^[A-Za-z0-9_./:@+-]+$/.test(text) ? Scalar.PLAIN : Scalar.QUOTE_DOUBLE;
}
