/** Files that a test holds in its hands: texts and links by path, and directories from what lies in them. */

import { AgentError } from '../../src/lib/errors.js';
import type { FileSource } from '../../src/host/file-source.js';

const missing = (path: string): Promise<never> =>
  Promise.reject(Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' }));

/** @param texts can be changed while they are read; a value that begins with `-> ` is a link */
export function filesOf(texts: Readonly<Record<string, string>>): FileSource {
  return {
    list(path) {
      const inside = Object.keys(texts).filter((name) => name.startsWith(`${path}/`));
      const names = new Set(inside.map((name) => name.slice(path.length + 1).split('/')[0] ?? ''));
      return names.size === 0 ? missing(path) : Promise.resolve([...names]);
    },
    read(path, bytesMax) {
      const text = texts[path];
      if (text === undefined) return missing(path);
      if (text.length <= bytesMax) return Promise.resolve(text);
      return Promise.reject(new AgentError('LIMIT_EXCEEDED', 'longer than expected', { facts: { path, bytesMax } }));
    },
    link(path) {
      const text = texts[path];
      return text?.startsWith('-> ') ? Promise.resolve(text.slice(3)) : missing(path);
    },
  };
}
