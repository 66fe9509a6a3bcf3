/**
 * What to say about a key that does not exist where it stands: the key that was probably meant, the place where it
 * belongs, or all that is valid. Used by the schema check; pure.
 */
import { nearest } from '../lib/nearest.js';
import type * as z from 'zod';
import { formatPath, type ConfigPath } from './path.js';
import { configSchema } from './schema.js';
import { keysAt, schemaAt, shapeOf } from './schema-shape.js';

/** Words that mean the same elsewhere, and the keys that they have here; the first that is valid is meant. */
const foreignWords: Readonly<Record<string, readonly string[]>> = {
  // Columns of Open vSwitch (ovs-vswitchd.conf.db(5)).
  ofport_request: ['ofport'],
  mtu_request: ['mtu'],
  type: ['kind'],
  tag: ['vlan.tag'],
  trunks: ['vlan.trunks'],
  vlan_mode: ['vlan.mode', 'kind'],
  mode: ['kind'],
  'dpf-id': ['dpfId'],
  // Fields of the ServiceInterface and ServiceChain of DPF.
  interfaceType: ['kind'],
  matchLabels: ['labels'],
  peerBridge: ['bridge'],
  peerPatchName: ['name'],
  pfID: ['representor.pf', 'pf'],
  vfID: ['representor.vf', 'vf'],
  serviceMTU: ['mtu'],
};

/** A sentence for the problem "unknown key". */
export function unknownKeyRemedy(key: string, parent: ConfigPath, root: z.ZodType = configSchema): string {
  const valid = keysAt(parent, root);
  const guess = foreignWord(key, parent, root) ?? nearest(key, valid) ?? nested(key, parent, root);
  if (guess !== undefined) return `Did you mean "${guess}"?`;
  const home = root === configSchema ? homes.find((path) => keysAt(path).includes(key)) : undefined;
  if (home === undefined) return `Valid here: ${valid.join(', ')}.`;
  return `"${key}" belongs to ${home.length === 0 ? 'the top level' : formatPath(home).replaceAll('[0]', '[…]')}.`;
}

function foreignWord(key: string, parent: ConfigPath, root: z.ZodType): string | undefined {
  const words = Object.hasOwn(foreignWords, key) ? foreignWords[key] : undefined;
  return words?.find((word) => schemaAt([...parent, ...word.split('.')], root) !== undefined);
}

/** `logLevel` or `level` where `log.level` is meant. */
function nested(key: string, parent: ConfigPath, root: z.ZodType): string | undefined {
  const wanted = fold(key);
  for (const outer of keysAt(parent, root)) {
    const inner = keysAt([...parent, outer], root).find((k) => fold(k) === wanted || fold(outer + k) === wanted);
    if (inner !== undefined) return `${outer}.${inner}`;
  }
  return undefined;
}

function fold(word: string): string {
  return word.toLowerCase().replace(/[-_.]/g, '');
}

/** Every place that has keys, the outermost first. */
const homes: readonly ConfigPath[] = findHomes();

function findHomes(): readonly ConfigPath[] {
  const found: ConfigPath[] = [];
  const pending: ConfigPath[] = [[]];
  for (let path = pending.shift(); path !== undefined; path = pending.shift()) {
    const schema = schemaAt(path);
    const shape = schema === undefined ? undefined : shapeOf(schema);
    if (shape?.kind === 'list') pending.push([...path, 0]);
    if (shape?.kind !== 'object') continue;
    found.push(path);
    for (const key of shape.keys.keys()) pending.push([...path, key]);
  }
  return found;
}
