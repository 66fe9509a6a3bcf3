/** What can be said of a request by itself and beside the owner's bundle in force, before the bundle is looked into. Pure. */

import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { BundleViolation, IntentRequest, PlainBundle } from './intent-desk-types.js';
import { canonicalText, digestOf } from './intent-digest.js';
import type { IntentRecord } from './intent-ports.js';

/** As `agent.owner` of the configuration, which is a name of the same sort. */
const ownerPattern = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const keyPattern = /^[ -~]{0,128}$/;
/** Protobuf's uint64. */
const generationMax = 2n ** 64n - 1n;
/** A bundle of four thousand ports with all their keys is below it; 64 of them fit into memory. */
export const bundleBytesMax = 4 * 1024 * 1024;

/** Of all owners together. */
export const allBytesMax = 16 * 1024 * 1024;
/** Bridges, ports, chains, ports of chains and attachments of all owners together: many times what one DPU has. */
export const allObjectsMax = 16_384;
/** Keys of one map: a column of the database with more of them is a mistake. */
const mapKeysMax = 256;
/** Values of one bundle: some forty for each of four thousand ports. */
const valuesMax = 160_000;

/** Whether the text can be the name of an owner. */
export const isOwnerName = (text: string): boolean => ownerPattern.test(text);

/** What is wrong with the request apart from its bundle. */
export function requestViolations({ owner, generation, idempotencyKey }: IntentRequest): readonly BundleViolation[] {
  const violations: BundleViolation[] = [];
  const add = (field: string, message: string): void => void violations.push({ field, message, remedy: undefined });
  if (!isOwnerName(owner)) {
    const allowed = 'up to 63 lower-case letters, digits, "." and "-", a letter or digit at both ends';
    add('owner', `"${safeText(owner, 80)}" is not allowed here; allowed: ${allowed}`);
  }
  if (generation < 1n || generation > generationMax) {
    add('generation', `${safeText(String(generation), 80)} is not allowed here; allowed: a whole number from 1`);
  }
  if (!keyPattern.test(idempotencyKey)) {
    add('idempotency_key', 'this key is not allowed; allowed: up to 128 printable ASCII characters');
  }
  return violations;
}

/** A bundle as text: what is stored, and what is compared. */
export interface BundleText {
  readonly text: string;
  readonly digest: string;
  readonly size: BundleSize;
}

/** What a bundle takes up of what there is for all owners. */
export interface BundleSize {
  /** Of its text. */
  readonly bytes: number;
  readonly objects: number;
}

function limit(message: string, facts: Readonly<Record<string, number>>): AgentError {
  const remedy = 'Make the bundle smaller, or delete the intents of owners that are gone.';
  return new AgentError('INTENT_LIMIT', message, { facts, remedy });
}

/** @throws AgentError INTENT_LIMIT */
function checkValues(value: unknown, counts: { values: number }): void {
  counts.values += 1;
  if (counts.values > valuesMax) {
    throw limit(`the bundle has more than ${valuesMax} values`, { max: valuesMax });
  }
  if (typeof value !== 'object' || value === null) return;
  const children = Array.isArray(value) ? (value as readonly unknown[]) : Object.values(value);
  if (!Array.isArray(value) && children.length > mapKeysMax) {
    const message = `a map of the bundle has ${children.length} keys; at most ${mapKeysMax} are taken`;
    throw limit(message, { keys: children.length, max: mapKeysMax });
  }
  for (const child of children) checkValues(child, counts);
}

const listIn = (value: unknown, key: string): readonly unknown[] => {
  const list: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return Array.isArray(list) ? list : [];
};

/** Bridges, ports, chains, ports of chains and attachments. */
export function objectsIn({ bridges, ports, chains, attachments }: PlainBundle): number {
  const ofBridges = bridges.reduce<number>((sum, bridge) => sum + 1 + listIn(bridge, 'ports').length, 0);
  const ofChains = chains.reduce<number>(
    (sum, chain) => listIn(chain, 'switches').reduce<number>((n, entry) => n + listIn(entry, 'ports').length, sum + 1),
    0,
  );
  return ofBridges + ofChains + ports.length + attachments.length;
}

/** Whether there is room beside the bundles of the others. @throws AgentError INTENT_LIMIT */
export function checkRoom(asked: BundleSize, others: readonly BundleSize[]): void {
  const bytes = others.reduce((sum, size) => sum + size.bytes, asked.bytes);
  const objects = others.reduce((sum, size) => sum + size.objects, asked.objects);
  if (bytes > allBytesMax) {
    const message = `the bundles of all owners would have ${bytes} bytes as JSON; at most ${allBytesMax} are taken`;
    throw limit(message, { bytes, max: allBytesMax });
  }
  if (objects > allObjectsMax) {
    const message = `the bundles of all owners would have ${objects} objects; at most ${allObjectsMax} are taken`;
    throw limit(message, { objects, max: allObjectsMax });
  }
}

/** @returns undefined for what is no plain data. @throws AgentError INTENT_LIMIT */
export function bundleText(bundle: PlainBundle): BundleText | undefined {
  const { bridges, ports, chains, attachments } = bundle;
  const text = canonicalText({ bridges, ports, chains, attachments });
  if (text === undefined) return undefined;
  const size = Buffer.byteLength(text);
  if (size > bundleBytesMax) {
    const message = `the bundle has ${size} bytes as JSON; at most ${bundleBytesMax} are taken`;
    throw limit(message, { size, max: bundleBytesMax });
  }
  checkValues([bridges, ports, chains, attachments], { values: 0 });
  return { text, digest: digestOf(text), size: { bytes: size, objects: objectsIn(bundle) } };
}

/**
 * Whether the request repeats the one that is in force.
 * @param digest of the bundle in force
 * @throws AgentError INTENT_REPLAYED, INTENT_GENERATION
 */
export function isRepetition(request: IntentRequest, asked: string, record: IntentRecord, digest: string): boolean {
  const { owner, generation, idempotencyKey } = request;
  const isSame = generation === record.generation && asked === digest;
  const facts = { owner, generation, inForce: record.generation };
  if (idempotencyKey !== '' && idempotencyKey === record.idempotencyKey && !isSame) {
    const remedy = 'Take a new key for each new request.';
    const message = `the idempotency key was used for generation ${record.generation} with another content`;
    throw new AgentError('INTENT_REPLAYED', message, { facts, remedy });
  }
  if (generation > record.generation || isSame) return isSame;
  const why =
    generation === record.generation
      ? `generation ${generation} of ${owner} is in force with another content`
      : `generation ${record.generation} of ${owner} is in force, which is newer than ${generation}`;
  throw new AgentError('INTENT_GENERATION', why, {
    facts,
    remedy: 'Read what is in force, and send a higher generation.',
  });
}
