import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { podViewOf } from '../../src/attach/pod-view.js';

const metadata = {
  uid: '8f2b7a0e-1c9d-4a52-9b43-0d6b6f0f7f11',
  namespace: 'ns-a',
  name: 'web-0',
  resourceVersion: '12345',
  creationTimestamp: '2026-01-02T03:04:05Z',
};
const bare = {
  uid: metadata.uid,
  namespace: 'ns-a',
  name: 'web-0',
  nodeName: '',
  resourceVersion: '12345',
  createdMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  isHostNetwork: false,
  isTerminal: false,
  isDeleting: false,
  resources: new Map(),
  hasAnnotations: false,
  annotations: {
    details: undefined,
    status: undefined,
    networks: undefined,
    ingressBandwidth: undefined,
    egressBandwidth: undefined,
  },
};

const withMeta = (more: Readonly<Record<string, unknown>>): unknown => ({ metadata: { ...metadata, ...more } });
const withSpec = (spec: unknown): unknown => ({ metadata, spec });

/** A pod whose one container asks for these resources. */
const asking = (requests: unknown, limits?: unknown): unknown =>
  withSpec({ containers: [{ resources: { requests, limits } }] });

describe('podViewOf', () => {
  it('keeps what the agent looks at', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...metadata,
        labels: { app: 'web' },
        deletionTimestamp: '2026-01-02T04:00:00Z',
        annotations: {
          'k8s.ovn.org/dpu.connection-details': '{"a":1}',
          'k8s.ovn.org/dpu.connection-status': '{"b":1}',
          'k8s.ovn.org/pod-networks': '{"c":1}',
          'kubernetes.io/ingress-bandwidth': '10M',
          'kubernetes.io/egress-bandwidth': '20M',
          other: 'not kept',
        },
      },
      spec: {
        nodeName: 'node-1.example.org',
        hostNetwork: true,
        containers: [
          { name: 'a', resources: { requests: { cpu: '1', 'nvidia.com/vf': '1' } } },
          { name: 'b', resources: { limits: { 'amd.com/gpu': '2', 'nvidia.com/vf': '1' } } },
        ],
      },
      status: { phase: 'Running' },
    };
    expect(podViewOf(pod)).toEqual({
      ...bare,
      nodeName: 'node-1.example.org',
      isHostNetwork: true,
      isDeleting: true,
      resources: new Map([
        ['amd.com/gpu', 2],
        ['nvidia.com/vf', 2],
      ]),
      hasAnnotations: true,
      annotations: {
        details: '{"a":1}',
        status: '{"b":1}',
        networks: '{"c":1}',
        ingressBandwidth: '10M',
        egressBandwidth: '20M',
      },
    });
  });

  it('makes do with uid, namespace and name', () => {
    const { uid, namespace, name } = metadata;
    const view = podViewOf({ metadata: { uid, namespace, name } });
    expect(view).toEqual({ ...bare, resourceVersion: '', createdMs: 0 });
  });

  it.each([
    [undefined],
    [null],
    [5],
    ['pod'],
    [[]],
    [{}],
    [{ metadata: null }],
    [{ metadata: [] }],
    [withMeta({ uid: undefined })],
    [withMeta({ uid: '' })],
    [withMeta({ uid: 5 })],
    [withMeta({ uid: 'a b' })],
    [withMeta({ uid: 'a\n' })],
    [withMeta({ uid: 'x'.repeat(129) })],
    [withMeta({ namespace: '' })],
    [withMeta({ namespace: 'NS' })],
    [withMeta({ namespace: 'a/b' })],
    [withMeta({ namespace: 'a'.repeat(64) })],
    [withMeta({ name: '../x' })],
    [withMeta({ name: 'a\u0000' })],
    [withMeta({ name: ['a'] })],
    [withMeta({ name: 'a'.repeat(254) })],
  ])('gives nothing of %.60j', (object) => expect(podViewOf(object)).toBeUndefined());

  it.each([
    ['Succeeded', true],
    ['Failed', true],
    ['Running', false],
    ['Pending', false],
    ['Unknown', false],
    ['succeeded', false],
    [5, false],
  ])('takes phase %s for terminal: %s', (phase, isTerminal) => {
    expect(podViewOf({ metadata, status: { phase } })?.isTerminal).toBe(isTerminal);
  });

  it.each([
    ['2026-01-02T03:04:05.123456Z', Date.UTC(2026, 0, 2, 3, 4, 5, 123)],
    ['2026-13-02T03:04:05Z', 0],
    ['yesterday', 0],
    ['2026-01-02', 0],
    [1_700_000_000, 0],
    [null, 0],
  ])('reads the time %s', (creationTimestamp, createdMs) => {
    expect(podViewOf(withMeta({ creationTimestamp }))?.createdMs).toBe(createdMs);
  });

  it.each([['x y'], ['x'.repeat(129)], [5], [null], ['é']])('keeps no version %.20j', (resourceVersion) => {
    expect(podViewOf(withMeta({ resourceVersion }))?.resourceVersion).toBe('');
  });

  it.each([['Node'], ['a/b'], [5], ['a'.repeat(254)]])('keeps no node name %.20j', (nodeName) => {
    expect(podViewOf(withSpec({ nodeName }))?.nodeName).toBe('');
  });

  it.each([['true'], [1], [null], [{}]])(
    'takes hostNetwork %j for false, as the API has only booleans',
    (hostNetwork) => {
      expect(podViewOf(withSpec({ hostNetwork }))?.isHostNetwork).toBe(false);
    },
  );

  it('takes an empty map of annotations for none', () => {
    expect(podViewOf(withMeta({ annotations: {} }))?.hasAnnotations).toBe(false);
    expect(podViewOf(withMeta({ annotations: { x: '' } }))?.hasAnnotations).toBe(true);
  });

  it('keeps only the size of texts that are too long, in bytes', () => {
    const annotations = {
      'k8s.ovn.org/dpu.connection-details': 'x'.repeat(16_384),
      'k8s.ovn.org/dpu.connection-status': 'x'.repeat(65_536),
      'k8s.ovn.org/pod-networks': '€'.repeat(6_000),
      'kubernetes.io/ingress-bandwidth': 'x'.repeat(1_000_000),
    };
    expect(podViewOf(withMeta({ annotations }))?.annotations).toEqual({
      details: 'x'.repeat(16_384),
      status: 'x'.repeat(65_536),
      networks: { sizeBytes: 18_000 },
      ingressBandwidth: { sizeBytes: 1_000_000 },
      egressBandwidth: undefined,
    });
    const longer = { 'k8s.ovn.org/dpu.connection-status': 'x'.repeat(65_537) };
    expect(podViewOf(withMeta({ annotations: longer }))?.annotations.status).toEqual({ sizeBytes: 65_537 });
  });

  it('keeps no annotation that is not a text', () => {
    const annotations = { 'k8s.ovn.org/dpu.connection-details': {}, 'k8s.ovn.org/pod-networks': 5 };
    expect(podViewOf(withMeta({ annotations }))?.annotations).toEqual(bare.annotations);
  });

  it.each([
    [asking({ 'a.b/c': '1' }), ['a.b/c']],
    [asking(undefined, { 'a.b/c': 1 }), ['a.b/c']],
    [asking({ 'b/x': '1', 'a/x': '1' }, { 'a/x': '1' }), ['a/x', 'b/x']],
    [asking({ 'a.b/c': '0' }, { 'a.b/d': 0 }), []],
    [asking({ cpu: '1', 'hugepages-2Mi': '1', '/': '1', 'a/': '1', '/a': '1', 'a/b/c': '1', 'a/\n': '1' }), []],
    [asking({ [`${'a'.repeat(254)}/b`]: '1', [`a/${'b'.repeat(64)}`]: '1' }), []],
    [asking([], 'x'), []],
    [withSpec({ containers: [null, 5, [], {}, { resources: null }] }), []],
    [withSpec({ containers: { resources: { limits: { 'a/b': '1' } } } }), []],
    [withSpec(null), []],
  ])('finds the extended resources of %.80j', (pod, expected) =>
    expect([...(podViewOf(pod)?.resources.keys() ?? [])]).toEqual(expected),
  );

  it.each<[unknown, number | undefined]>([
    ['3', 3],
    [2, 2],
    ['1k', 1_000],
    ['1e99', 65_535],
    ['-1', undefined],
    ['0', undefined],
    ['many', undefined],
    [null, undefined],
  ])('counts %j of a resource as %s', (amount, expected) => {
    expect(podViewOf(asking({ 'a/b': amount }))?.resources.get('a/b')).toBe(expected);
  });

  it('adds up what runs at once, and not what ran before', () => {
    const one = (count: string, more = {}) => ({ resources: { limits: { 'a/b': count } }, ...more });
    const initContainers = [one('3'), one('1', { restartPolicy: 'Always' })];
    const counted = (containers: unknown) => podViewOf(withSpec({ containers, initContainers }))?.resources.get('a/b');
    expect([counted([one('1'), one('2')]), counted([one('1')])]).toEqual([4, 3]);
  });

  it('keeps sixty-four resources at most', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`a/r${index}`, '1']));
    expect(podViewOf(asking(many))?.resources.size).toBe(64);
  });

  it('takes no member from a prototype', () => {
    const pod = JSON.parse('{"__proto__":{"metadata":{"uid":"u","namespace":"n","name":"p"}}}') as unknown;
    expect(podViewOf(pod)).toBeUndefined();
    const inherited: unknown = Object.create({ metadata });
    expect(podViewOf(inherited)).toBeUndefined();
  });

  it('never throws, whatever the object', () => {
    const parts = fc.record({
      metadata: fc.oneof(fc.constant(metadata), fc.object()),
      spec: fc.anything(),
      status: fc.anything(),
    });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), parts), (object) => {
        const view = podViewOf(object);
        expect(view === undefined || view.uid !== '').toBe(true);
      }),
    );
  });
});
