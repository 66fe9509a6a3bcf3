/**
 * The order of resource versions. Kubernetes long called them opaque; since KEP-5504 they are decimal numbers that may be
 * compared within one resource, which etcd's always were. Where a server uses something else, nothing is concluded.
 */

const decimal = /^[1-9]\d{0,38}$|^0$/;

/** Below, equal to or above zero as `a` is older than, equal to or newer than `b`; undefined when that cannot be said. */
export function compareVersions(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (!decimal.test(a) || !decimal.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}
