/** Where each value of a configuration comes from: the file's line, a variable, a flag, or nowhere but the default. */
import type { Config } from './config.js';
import { fileShapeOf, leafPathsOf } from './file-shape.js';
import { formatPath } from './path.js';
import type { Origin } from './problem.js';
import { nodeAt, originOf, type SourceNode } from './source-tree.js';

/** The origin of every leaf of `config`, by its path in the file's words, in the order of the file format. */
export function originsOf(config: Config, root: SourceNode): ReadonlyMap<string, Origin> {
  const origins = new Map<string, Origin>();
  for (const path of leafPathsOf(fileShapeOf(config))) {
    const node = nodeAt(root, path);
    const isEmpty = node === undefined || (node.kind === 'scalar' && node.value === null);
    origins.set(formatPath(path), isEmpty ? 'default' : originOf(node.place));
  }
  return origins;
}
