/**
 * What the programs know of themselves: their version, and where the other of the two lies. As compiled file by file they find
 * it by their place in the tree; a bundle (scripts/bundle.mjs) has the version written into it, and both programs side by side.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Put in its place by the bundler; there is no such variable otherwise. */
declare const bundledVersion: string | undefined;

const isBundled = typeof bundledVersion === 'string';

/** The version of this program, as package.json has it. */
export function programVersion(): string {
  if (typeof bundledVersion === 'string') return bundledVersion;
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** Path of the daemon that belongs to this program. */
export function daemonFile(): string {
  return fileURLToPath(new URL(isBundled ? 'dpu-node-agent.mjs' : '../main.js', import.meta.url));
}
