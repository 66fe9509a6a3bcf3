/**
 * Paths of the Kubernetes API. Names of objects come from a cluster that is not trusted, so each becomes exactly one
 * segment whatever it holds. Used by whoever makes a request.
 */

export interface ResourceName {
  /** `v1`, or `group/version` such as `coordination.k8s.io/v1`. */
  readonly api: string;
  /** The plural: `pods`. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** `status` … */
  readonly subresource?: string | undefined;
}

/** The encoded path of a collection, an object or a subresource. */
export function resourcePath(name: ResourceName): string {
  const root = name.api.includes('/') ? '/apis' : '/api';
  const segments = [
    ...name.api.split('/'),
    ...(name.namespace === undefined ? [] : ['namespaces', name.namespace]),
    name.resource,
    ...(name.name === undefined ? [] : [name.name]),
    ...(name.subresource === undefined ? [] : [name.subresource]),
  ];
  return `${root}/${segments.map(encodeSegment).join('/')}`;
}

function encodeSegment(text: string): string {
  // Dots alone would climb, and half a surrogate pair has no UTF-8.
  if (text === '.' || text === '..') return text.replaceAll('.', '%2E');
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\ufffd'));
}
