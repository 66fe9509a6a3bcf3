/**
 * A configuration that may be partly wrong, as the rules see it: each key on its own is present and valid, or absent. Lets
 * the rules over several keys report their problems together with those of single values.
 */
import type * as z from 'zod';
import type { ConfigPath } from './path.js';
import {
  bridgeSchema,
  configSchema,
  portSchema,
  type BridgeInput,
  type ConfigInput,
  type PortInput,
} from './schema.js';
import {
  chainPortSchema,
  chainSchema,
  chainSwitchSchema,
  type ChainInput,
  type ChainPortInput,
  type ChainSwitchInput,
} from './schema-chain.js';

/** The valid keys of one map, where it stands, and which keys were written at all. */
export interface Draft<T> {
  readonly path: ConfigPath;
  readonly given: ReadonlySet<string>;
  readonly value: Readonly<Partial<T>>;
}

export interface BridgeDraft extends Draft<Omit<BridgeInput, 'ports'>> {
  readonly ports: readonly Draft<PortInput>[];
}

export type ChainPortDraft = Draft<ChainPortInput>;

export interface ChainSwitchDraft extends Draft<Omit<ChainSwitchInput, 'ports'>> {
  readonly ports: readonly ChainPortDraft[];
}

export interface ChainDraft extends Draft<Omit<ChainInput, 'switches'>> {
  readonly switches: readonly ChainSwitchDraft[];
}

/** The sections, whose keys do not depend on one another's lists. */
type Sections = Omit<ConfigInput, 'bridges' | 'chains'>;

export interface ConfigDraft extends Draft<Sections> {
  readonly bridges: readonly BridgeDraft[];
  readonly chains: readonly ChainDraft[];
}

/**
 * Picks what is valid from plain data of any shape.
 * @param prefix what the paths of bridges and chains begin with, where the data is part of something larger
 */
export function draftOf(plain: unknown, prefix: ConfigPath = []): ConfigDraft {
  const { bridges: _bridges, chains: _chains, ...shape } = configSchema.shape;
  const bridges = listOf(plain, 'bridges').map((bridge, index) => bridgeDraft(bridge, [...prefix, 'bridges', index]));
  const chains = listOf(plain, 'chains').map((chain, index) => chainDraft(chain, [...prefix, 'chains', index]));
  return { ...pick<Sections>(shape, plain, prefix), bridges, chains };
}

function bridgeDraft(plain: unknown, path: ConfigPath): BridgeDraft {
  const { ports: _ports, ...shape } = bridgeSchema.shape;
  const ports = listOf(plain, 'ports').map((port, index) => portDraft(port, [...path, 'ports', index]));
  return { ...pick<Omit<BridgeInput, 'ports'>>(shape, plain, path), ports };
}

/** One port of a bridge; keys that no port has count as given, and are not in the value. */
export function portDraft(plain: unknown, path: ConfigPath): Draft<PortInput> {
  return pick<PortInput>(portSchema.shape, plain, path);
}

function chainDraft(plain: unknown, path: ConfigPath): ChainDraft {
  const { switches: _switches, ...shape } = chainSchema.shape;
  const switches = listOf(plain, 'switches').map((entry, index) => switchDraft(entry, [...path, 'switches', index]));
  return { ...pick<Omit<ChainInput, 'switches'>>(shape, plain, path), switches };
}

function switchDraft(plain: unknown, path: ConfigPath): ChainSwitchDraft {
  const { ports: _ports, ...shape } = chainSwitchSchema.shape;
  const ports = listOf(plain, 'ports').map((port, index) =>
    pick<ChainPortInput>(chainPortSchema.shape, port, [...path, 'ports', index]),
  );
  return { ...pick<Omit<ChainSwitchInput, 'ports'>>(shape, plain, path), ports };
}

function pick<T>(shape: Readonly<Record<keyof T & string, z.ZodType>>, plain: unknown, path: ConfigPath): Draft<T> {
  const source = isRecord(plain) ? plain : {};
  const value: Partial<Record<string, unknown>> = {};
  for (const [key, schema] of Object.entries<z.ZodType>(shape)) {
    // An absent key is parsed too: that is what fills in its default.
    const result = schema.safeParse(source[key]);
    if (result.success && result.data !== undefined) value[key] = result.data;
  }
  // Each value was parsed by the schema of its key, which is what T is made of.
  return { path, given: new Set(Object.keys(source)), value: value as Partial<T> };
}

/** The list under a key of plain data; empty where there is none. */
export function listOf(plain: unknown, key: string): readonly unknown[] {
  const list = isRecord(plain) ? plain[key] : undefined;
  return Array.isArray(list) ? list : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
