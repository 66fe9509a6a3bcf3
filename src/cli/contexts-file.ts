/** The file in which a person keeps the agents that dpuctl knows by name. */

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';

/** One agent; what is absent has to be said on the command line. */
export interface ContextEntry {
  readonly address?: string | undefined;
  /** Paths of PEM files. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
}

export interface ContextsFile {
  readonly file: string;
  readonly current: string | undefined;
  readonly contexts: ReadonlyMap<string, ContextEntry>;
}

const keys = ['address', 'ca', 'cert', 'key', 'server-name'] as const;

function invalid(file: string, where: string, message: string): AgentError {
  return new AgentError('CONFIG_INVALID', `${safeText(file)}: ${safeText(where)}: ${message}`, {
    remedy: 'See docs/cli.md, contexts.',
  });
}

type Mapping = Readonly<Record<string, unknown>>;

function mapping(file: string, where: string, value: unknown): Mapping {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Mapping;
  throw invalid(file, where, 'is no mapping');
}

function readEntry(file: string, where: string, value: unknown): ContextEntry {
  const entry = mapping(file, where, value);
  const texts = new Map<string, string>();
  for (const [key, text] of Object.entries(entry)) {
    if (!(keys as readonly string[]).includes(key)) {
      throw invalid(file, `${where}.${key}`, `is unknown; there are ${keys.join(', ')}`);
    }
    if (typeof text !== 'string') throw invalid(file, `${where}.${key}`, 'is no text');
    texts.set(key, text);
  }
  const path = (key: string): string | undefined => {
    const text = texts.get(key);
    return text === undefined ? undefined : resolve(dirname(file), text);
  };
  const [address, serverName] = [texts.get('address'), texts.get('server-name')];
  return { address, ca: path('ca'), cert: path('cert'), key: path('key'), serverName };
}

/** The text of a contexts file. Paths of certificates are relative to it. @throws AgentError CONFIG_INVALID */
export function parseContexts(file: string, text: string): ContextsFile {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw invalid(file, 'the file', `is no YAML: ${safeText(toError(cause).message, 300)}`);
  }
  const root = mapping(file, 'the file', value ?? {});
  const unknown = Object.keys(root).find((key) => key !== 'contexts' && key !== 'current-context');
  if (unknown !== undefined) throw invalid(file, unknown, 'is unknown; there are contexts and current-context');
  const current = root['current-context'];
  if (current !== undefined && typeof current !== 'string') throw invalid(file, 'current-context', 'is no text');
  const contexts = mapping(file, 'contexts', root['contexts'] ?? {});
  return {
    file,
    current,
    contexts: new Map(
      Object.entries(contexts).map(([name, entry]) => [name, readEntry(file, `contexts.${name}`, entry)]),
    ),
  };
}

/** The file, or undefined where there is none. @throws AgentError CONFIG_UNREADABLE, CONFIG_INVALID */
export function readContexts(file: string): ContextsFile | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') return undefined;
    throw new AgentError('CONFIG_UNREADABLE', `${safeText(file)} cannot be read: ${toError(cause).message}`, {
      cause,
      remedy: 'Make it readable, or name another one in DPUCTL_CONFIG.',
    });
  }
  return parseContexts(file, text);
}
