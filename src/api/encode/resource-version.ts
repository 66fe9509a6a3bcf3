/**
 * The version of the topology as clients carry it: `<instance>.<version>`, opaque to them. The instance says that it is a
 * version of this very process, for another one counts from the beginning again.
 */

/** What is wrong with a version that a client wants to go on from; words of `TopologyStartOver.reason`. */
export type VersionRefusal = 'OtherInstance' | 'Unknown';

export type VersionReading =
  | { readonly kind: 'version'; readonly version: bigint }
  | { readonly kind: 'refused'; readonly reason: VersionRefusal };

/** Longer than any that was ever given out. */
const lengthMax = 128;
// An instance id may have dots of its own; the version is what follows the last.
const pattern = /^([\x21-\x7e]+)\.(0|[1-9][0-9]{0,18})$/;

export function formatResourceVersion(instanceId: string, version: bigint): string {
  return `${instanceId}.${version}`;
}

/**
 * Reads what a client sent, which can be anything.
 *
 * @param newest the newest version that there is: nobody can have seen a later one
 */
export function readResourceVersion(text: string, instanceId: string, newest: bigint): VersionReading {
  const [, instance, digits] = (text.length <= lengthMax ? pattern.exec(text) : undefined) ?? [];
  if (instance === undefined || digits === undefined) return { kind: 'refused', reason: 'Unknown' };
  if (instance !== instanceId) return { kind: 'refused', reason: 'OtherInstance' };
  const version = BigInt(digits);
  return version > newest ? { kind: 'refused', reason: 'Unknown' } : { kind: 'version', version };
}
