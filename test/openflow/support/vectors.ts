/** The recorded messages of ovs-ofctl, for the tests that play them. See test/vectors/openflow/record.mjs. */

import { readFileSync } from 'node:fs';
import { decodeMessage } from '../../../src/openflow/wire/message.js';
import type { FlowMod } from '../../../src/openflow/flow.js';
import { versionOf } from '../../../src/openflow/version.js';
import type { Version } from '../../../src/openflow/version.js';

export interface FlowVector {
  readonly version: Version;
  /** The command of ovs-ofctl, with its options in front. */
  readonly command: string;
  /** The flow as it was given. */
  readonly flow: string;
  /** The message, its xid zeroed. */
  readonly hex: string;
  /** What ofp-print says of it. */
  readonly text: string;
}

const file = new URL('../../vectors/openflow/flows.json', import.meta.url);

export const flowVectors: readonly FlowVector[] = (
  JSON.parse(readFileSync(file, 'utf8')) as (Omit<FlowVector, 'version'> & { version: number })[]
).map((vector) => ({ ...vector, version: versionOf(vector.version)! }));

/** The change that a recorded message carries. */
export function flowModOf(vector: FlowVector): FlowMod {
  const { body } = decodeMessage(Buffer.from(vector.hex, 'hex'));
  if (body.kind !== 'flowMod') throw new Error(`not a flow-mod but ${body.kind}`);
  return body.mod;
}

export function nameOf(vector: FlowVector): string {
  return `OpenFlow 1.${vector.version - 1} ${vector.command} ${vector.flow}`;
}
