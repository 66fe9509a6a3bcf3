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
}

/** @returns undefined for what is no plain data. @throws AgentError INTENT_LIMIT */
export function bundleText(bundle: PlainBundle): BundleText | undefined {
  const { bridges, ports, chains, attachments } = bundle;
  const text = canonicalText({ bridges, ports, chains, attachments });
  if (text === undefined) return undefined;
  const size = Buffer.byteLength(text);
  if (size > bundleBytesMax) {
    const remedy = 'Make the bundle smaller, or share it out among several owners.';
    const facts = { size, max: bundleBytesMax };
    throw new AgentError('INTENT_LIMIT', `the bundle has ${size} bytes as JSON; at most ${bundleBytesMax} are taken`, {
      facts,
      remedy,
    });
  }
  return { text, digest: digestOf(text) };
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
