/**
 * A stored bundle as bytes: one line with format, version and checksum, then JSON. Whatever is not exactly what was written
 * is no record. Pure.
 */

import { createHash } from 'node:crypto';
import { canonicalText } from '../agent/intent-digest.js';
import type { PlainBundle } from '../agent/intent-desk-types.js';
import type { IntentRecord } from '../agent/intent-ports.js';
import { assert } from '../lib/assert.js';

/** Grows when a field changes its meaning; a file of another version is set aside like a damaged one. */
const header = 'dpu-node-agent intent 1 ';
const digestLength = 64;

const checksum = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isBundle(value: unknown): value is PlainBundle {
  if (!isFields(value)) return false;
  return ['bridges', 'ports', 'chains', 'attachments'].every((part) => Array.isArray(value[part]));
}

/** The record as bytes; equal records give equal bytes. */
export function formatIntentRecord(record: IntentRecord): Uint8Array {
  const text = canonicalText({ ...record, generation: String(record.generation) });
  assert(text !== undefined, 'a bundle that was accepted is plain data');
  const body = Buffer.from(text);
  return Buffer.concat([Buffer.from(`${header}${checksum(body)}\n`), body]);
}

/** The record that was written for this owner; undefined when the bytes are anything else. */
export function parseIntentRecord(bytes: Uint8Array, owner: string): IntentRecord | undefined {
  const bodyAt = header.length + digestLength + 1;
  const body = bytes.subarray(bodyAt);
  const expected = Buffer.from(`${header}${checksum(body)}\n`);
  if (bytes.length < bodyAt || expected.compare(bytes, 0, bodyAt) !== 0) return undefined;
  const fields = parseJson(body);
  if (!isFields(fields) || fields['owner'] !== owner || !isBundle(fields['bundle'])) return undefined;
  const { generation, acceptedWallMs, actor, idempotencyKey, bundle } = fields;
  if (typeof generation !== 'string' || !/^[1-9]\d{0,19}$/.test(generation)) return undefined;
  if (typeof acceptedWallMs !== 'number' || typeof actor !== 'string' || typeof idempotencyKey !== 'string') {
    return undefined;
  }
  return { owner, generation: BigInt(generation), acceptedWallMs, actor, idempotencyKey, bundle };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
