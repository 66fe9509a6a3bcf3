import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resourcePath } from '../../src/kube/resource-path.js';

describe('a path of the API', () => {
  it('leads to collections, objects and subresources', () => {
    expect(resourcePath({ api: 'v1', resource: 'pods' })).toBe('/api/v1/pods');
    expect(resourcePath({ api: 'v1', resource: 'pods', namespace: 'n', name: 'p', subresource: 'status' })).toBe(
      '/api/v1/namespaces/n/pods/p/status',
    );
    expect(resourcePath({ api: 'coordination.k8s.io/v1', resource: 'leases', namespace: 'n', name: 'l' })).toBe(
      '/apis/coordination.k8s.io/v1/namespaces/n/leases/l',
    );
  });

  it('holds any name as one segment', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('.', '..', '../..', 'a/b', '?x', '#', '\ud800'),
    );
    fc.assert(
      fc.property(name, name, (namespace, pod) => {
        const path = resourcePath({ api: 'v1', resource: 'pods', namespace, name: pod });
        expect(path.split('/')).toHaveLength(7);
        expect(path).toMatch(/^[\x21-\x7e]+$/);
        expect(path).not.toMatch(/[?#]|\/\.{1,2}(?:\/|$)/);
      }),
    );
  });
});
