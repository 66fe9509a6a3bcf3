import { describe, expect, it } from 'vitest';
import { AuditLog } from '../../../src/sandbox/cluster/audit-log.js';
import type { AuditEntry } from '../../../src/sandbox/cluster/audit-log.js';
import { formatKubeconfig } from '../../../src/sandbox/cluster/kubeconfig.js';
import { parseManifest } from '../../../src/sandbox/cluster/manifest.js';
import { nameFault } from '../../../src/sandbox/cluster/names.js';
import { podReady, podRestarts, podStatus } from '../../../src/sandbox/cluster/pod-cells.js';
import { decodeProtobuf } from '../../../src/sandbox/cluster/protobuf-body.js';
import { parseRequest } from '../../../src/sandbox/cluster/request-info.js';
import { ageText } from '../../../src/sandbox/cluster/table.js';

describe('a request', () => {
  const parse = (method: string, path: string): unknown => {
    const info = parseRequest(method, new URL(path, 'http://server'));
    if (info.kind === 'path') return [info.verb, info.path];
    return [info.verb, info.group, info.plural, info.subresource, info.namespace, info.name];
  };

  it.each([
    ['GET', '/api/v1/pods', ['list', '', 'pods', '', undefined, '']],
    ['GET', '/api/v1/pods?watch=1', ['watch', '', 'pods', '', undefined, '']],
    ['GET', '/api/v1/namespaces/n', ['get', '', 'namespaces', '', undefined, 'n']],
    ['PATCH', '/api/v1/namespaces/n/status', ['patch', '', 'namespaces', 'status', undefined, 'n']],
    ['GET', '/api/v1/namespaces/n/pods/p', ['get', '', 'pods', '', 'n', 'p']],
    ['PATCH', '/api/v1/namespaces/n/pods/p/status', ['patch', '', 'pods', 'status', 'n', 'p']],
    ['DELETE', '/api/v1/namespaces/n/pods', ['deletecollection', '', 'pods', '', 'n', '']],
    [
      'PUT',
      '/apis/coordination.k8s.io/v1/namespaces/n/leases/l',
      ['update', 'coordination.k8s.io', 'leases', '', 'n', 'l'],
    ],
    ['GET', '/api/v1/nodes?watch=true&fieldSelector=metadata.name%3Dx', ['watch', '', 'nodes', '', undefined, 'x']],
    ['GET', '/apis', ['get', '/apis']],
    ['GET', '/healthz', ['get', '/healthz']],
  ])('%s %s is understood', (method, path, expected) => {
    expect(parse(method, path)).toEqual(expected);
  });
});

describe('a body in protobuf', () => {
  const field = (number: number, value: Buffer | string): Buffer => {
    const bytes = Buffer.from(value as string);
    return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  };
  const envelope = (kind: string, raw: Buffer): Buffer => {
    const typeMeta = Buffer.concat([field(1, 'v1'), field(2, kind)]);
    return Buffer.concat([Buffer.from('k8s\0'), field(1, typeMeta), field(2, raw), field(3, ''), field(4, '')]);
  };
  const label = field(11, Buffer.concat([field(1, 'a'), field(2, 'b')]));
  const zeroTime = field(8, '');
  const namespace = envelope('Namespace', field(1, Buffer.concat([field(1, 'n1'), field(2, ''), zeroTime, label])));

  it('is read as the object that it is', () => {
    expect(decodeProtobuf(namespace)).toEqual({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'n1', creationTimestamp: null, labels: { a: 'b' } },
    });
  });

  it('may hold numbers, lists and fields that are not known', () => {
    const options = Buffer.concat([Buffer.from([8, 30]), field(5, 'All'), field(5, 'Some'), field(15, 'new')]);
    expect(decodeProtobuf(envelope('DeleteOptions', options))).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      gracePeriodSeconds: 30,
      dryRun: ['All', 'Some'],
    });
  });

  it.each([
    ['what lacks the magic bytes', Buffer.from('{}')],
    ['what is cut short', namespace.subarray(0, 12)],
    ['a length beyond the end', Buffer.concat([Buffer.from('k8s\0'), Buffer.from('0aff01', 'hex')])],
    ['a kind that is not known', Buffer.concat([Buffer.from('k8s\0'), Buffer.from('0a090a02763112035f5f5f', 'hex')])],
    ['a number without an end', Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(20, 0xff)])],
  ])('is refused for %s', (_what, body) => {
    expect(() => decodeProtobuf(body)).toThrow(/protobuf|accepted media types/);
  });
});

describe('the cells of a pod', () => {
  const status = (...containerStatuses: object[]): never =>
    ({ spec: { containers: [{}, {}] }, status: { phase: 'Running', containerStatuses } }) as never;

  it('count ready containers and restarts', () => {
    const pod = status({ ready: true, restartCount: 2 }, { ready: false, restartCount: 1 });
    expect([podReady(pod), podRestarts(pod), podStatus(pod)]).toEqual(['1/2', '3', 'Running']);
  });

  it('say why a container waits, and that a pod is leaving', () => {
    expect(podStatus(status({ state: { waiting: { reason: 'ContainerCreating' } } }))).toBe('ContainerCreating');
    expect(podStatus({ metadata: { deletionTimestamp: 'x' }, status: { phase: 'Running' } })).toBe('Terminating');
  });

  it.each([
    [0, '0s'],
    [119, '119s'],
    [200, '3m20s'],
    [900, '15m'],
    [4 * 3600 + 120, '4h2m'],
    [30 * 3600, '30h'],
    [3 * 86400, '3d'],
    [100 * 86400, '100d'],
    [800 * 86400, '2y'],
  ])('tell an age of %d seconds as %s', (seconds, expected) => {
    expect(ageText('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:00Z') + seconds * 1000)).toBe(expected);
  });
});

describe('names', () => {
  it.each(['a', 'a-b', '0a', 'a'.repeat(63)])('%s can be a label', (name) => {
    expect(nameFault(name, 'label')).toBeUndefined();
  });
  it.each(['', 'A', '-a', 'a-', 'a.b', 'a_b', 'a/b', 'a'.repeat(64), '__proto__', 'a\n'])('%j cannot', (name) => {
    expect(nameFault(name, 'label')).toBeDefined();
  });
});

describe('a manifest', () => {
  it('may be a list, has its namespaces first, and names what is not served', () => {
    const { objects, skipped } = parseManifest(`
kind: List
apiVersion: v1
items:
- {apiVersion: v1, kind: Pod, metadata: {name: p, namespace: n}}
- {apiVersion: v1, kind: Namespace, metadata: {name: n}}
---
# nothing
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}
`);
    expect(objects.map((entry) => [entry.type.plural, entry.namespace, entry.name])).toEqual([
      ['namespaces', undefined, 'n'],
      ['pods', 'n', 'p'],
    ]);
    expect(skipped).toEqual(['apps/v1 Deployment']);
  });

  it('that is no YAML is refused', () => {
    expect(() => parseManifest('a: [')).toThrow(/error converting YAML to JSON/);
  });
});

describe('the audit log', () => {
  it('keeps the newest entries and counts what it dropped', () => {
    const log = new AuditLog(3);
    for (let i = 0; i < 10; i += 1) log.record({ name: String(i), user: 'u', verb: 'get' } as AuditEntry);
    expect(log.entries('u').map((entry) => entry.name)).toEqual(['7', '8', '9']);
    expect(log.entries('other')).toEqual([]);
    expect(log.dropped).toBeGreaterThan(0);
  });
});

describe('a kubeconfig', () => {
  it('carries the authority and the token', () => {
    const text = formatKubeconfig({ server: 'https://127.0.0.1:1', user: 'u', ca: 'PEM', token: 't' });
    expect(JSON.parse(text)).toMatchObject({
      'current-context': 'embedded',
      clusters: [{ cluster: { server: 'https://127.0.0.1:1', 'certificate-authority-data': 'UEVN' } }],
      users: [{ name: 'u', user: { token: 't' } }],
    });
  });
});
