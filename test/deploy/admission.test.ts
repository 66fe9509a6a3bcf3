/** Who may write the annotations by which host and DPU speak: each way that a hostile user has, and what must go on. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { describe, expect, it } from 'vitest';
import { judge, policiesIn, type Json, type JsonMap, type Review } from '../fakes/admission-policy.js';

const text = readFileSync(join(import.meta.dirname, '../../deploy/host-cluster/admission.yaml'), 'utf8');
const policies = policiesIn(text);

const details = 'k8s.ovn.org/dpu.connection-details';
const status = 'k8s.ovn.org/dpu.connection-status';
const detailsText = '{"default":{"pfId":"0","vfId":"3","sandboxId":"abc"}}';
const readyText = '{"default":{"Status":"Ready"}}';

const nodeKey = 'authentication.kubernetes.io/node-name';
const onNode = (username: string, node: string): Review['userInfo'] => ({ username, extra: { [nodeKey]: [node] } });
const hostHalf = (node: string): Review['userInfo'] =>
  onNode('system:serviceaccount:ovn-kubernetes:ovnkube-node', node);
const agent = (node: string): Review['userInfo'] => ({ username: `system:serviceaccount:dpu-node-agent:dpu-${node}` });
const kubelet: Review['userInfo'] = { username: 'system:node:worker-1' };
const tenant: Review['userInfo'] = { username: 'jane' };
const admin: Review['userInfo'] = { username: 'kubernetes-admin' };

type Annotations = Readonly<Record<string, string>> | undefined;

function pod(annotations: Annotations, more: JsonMap = {}, metadata: JsonMap = {}): JsonMap {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', ...(annotations === undefined ? {} : { annotations }), ...metadata },
    spec: { nodeName: 'worker-1', containers: [{ name: 'web' }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    ...more,
  };
}

const base = { group: '', resource: 'pods', namespace: 'shop' } as const;
const update = (userInfo: Review['userInfo'], before: JsonMap, after: JsonMap, subResource = 'status'): Review => ({
  ...base,
  operation: 'UPDATE',
  subResource,
  userInfo,
  object: after,
  oldObject: before,
});
const create = (userInfo: Review['userInfo'], object: JsonMap, subResource = ''): Review => ({
  ...base,
  operation: 'CREATE',
  subResource,
  userInfo,
  object,
  oldObject: null,
});
const isAllowed = (review: Review): boolean => judge(policies, review).length === 0;
const refused = (review: Review): string => judge(policies, review).join('; ');

describe('the annotations of connections', () => {
  const plain = pod({ 'k8s.ovn.org/pod-networks': '{}' });
  const asked = pod({ 'k8s.ovn.org/pod-networks': '{}', [details]: detailsText });
  const ready = pod({ 'k8s.ovn.org/pod-networks': '{}', [details]: detailsText, [status]: readyText });

  it.each<[string, Review]>([
    ['the host half writes details of a pod on its node', update(hostHalf('worker-1'), plain, asked)],
    ['the host half removes them', update(hostHalf('worker-1'), asked, plain)],
    ['the host half with the certificate of its node', update({ username: 'system:ovn-node:worker-1' }, plain, asked)],
    [
      'the host half writes them as the first annotation',
      update(hostHalf('worker-1'), pod(undefined), pod({ [details]: detailsText })),
    ],
    ['the agent of the node writes the status', update(agent('worker-1'), asked, ready)],
    ['the agent of the node removes the status', update(agent('worker-1'), ready, asked)],
    ['the agent writes what is there already', update(agent('worker-1'), ready, ready)],
    [
      'a kubelet tells the state of a pod',
      update(kubelet, ready, pod({ ...annotationsOf(ready) }, { status: { phase: 'Failed' } })),
    ],
    ['the owner of a pod labels it', update(tenant, ready, pod(annotationsOf(ready), {}, { labels: { a: 'b' } }), '')],
    ['a tenant makes a pod', create(tenant, pod(undefined))],
    ['the scheduler binds a pod', create({ username: 'system:kube-scheduler' }, binding(undefined), 'binding')],
    [
      'a pod is evicted',
      create(admin, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web' } }, 'eviction'),
    ],
  ])('lets pass: %s', (_, review) => {
    expect(judge(policies, review)).toEqual([]);
  });

  it.each<[string, RegExp, Review]>([
    ['a tenant makes a pod that claims a VF', /details is written/, create(tenant, asked)],
    ['a tenant makes a pod that says it is ready', /status is written/, create(tenant, pod({ [status]: readyText }))],
    ['a tenant makes a pod bound to a node, with both', /details.*status/, create(tenant, ready)],
    [
      'a tenant claims another VF later',
      /details/,
      update(tenant, asked, pod({ ...annotationsOf(asked), [details]: '{}' }), ''),
    ],
    ['a tenant takes the details away', /details/, update(tenant, asked, plain, '')],
    ['a tenant by a subresource of tomorrow', /details/, update(tenant, plain, asked, 'resize')],
    ['a binding brings details along', /details/, create(tenant, binding({ [details]: detailsText }), 'binding')],
    [
      'a binding of the old kind',
      /details/,
      { ...create(tenant, binding({ [details]: detailsText })), resource: 'bindings' },
    ],
    ['an administrator by hand', /status/, update(admin, asked, ready)],
    ['a kubelet', /status/, update(kubelet, asked, ready)],
    ['the host half of another node', /details/, update(hostHalf('worker-2'), plain, asked)],
    ['another node by its certificate', /details/, update({ username: 'system:ovn-node:worker-2' }, plain, asked)],
    [
      'a copied token of the host half, bound to no pod',
      /details/,
      update({ username: hostHalf('').username }, plain, asked),
    ],
    [
      'the account of the host half in a namespace of somebody else',
      /details/,
      update(onNode('system:serviceaccount:shop:ovnkube-node', 'worker-1'), plain, asked),
    ],
    ['the host half says that the network works', /status/, update(hostHalf('worker-1'), asked, ready)],
    ['the agent of another node', /status/, update(agent('worker-2'), asked, ready)],
    [
      'an account with a name like that of the agent',
      /status/,
      update({ username: 'system:serviceaccount:shop:dpu-worker-1' }, asked, ready),
    ],
    [
      'a pod on no node',
      /status/,
      update(agent(''), pod({}, { spec: {} }), pod({ [status]: readyText }, { spec: {} })),
    ],
  ])('refuses: %s', (_, words, review) => {
    expect(refused(review)).toMatch(words);
  });

  it.each<[string, Review]>([
    ['the details', update(agent('worker-1'), plain, asked)],
    ['the addresses of a pod', update(agent('worker-1'), plain, pod({ 'k8s.ovn.org/pod-networks': '{"default":{}}' }))],
    ['another annotation, removed', update(agent('worker-1'), plain, pod({}))],
    ['another annotation beside its own', update(agent('worker-1'), asked, pod({ ...annotationsOf(ready), x: 'y' }))],
    [
      'the phase of a pod',
      update(agent('worker-1'), asked, pod(annotationsOf(ready), { status: { phase: 'Failed' } })),
    ],
    ['the status of a pod, taken away', update(agent('worker-1'), asked, { ...withoutStatus(ready) })],
    ['labels', update(agent('worker-1'), plain, pod(annotationsOf(plain), {}, { labels: { a: 'b' } }))],
    ['finalizers', update(agent('worker-1'), plain, pod(annotationsOf(plain), {}, { finalizers: ['x/y'] }))],
    ['a pod by its main resource', update(agent('worker-1'), asked, ready, '')],
    ['a new pod', create(agent('worker-1'), plain)],
    ['a pod of another node, whatever of it', update(agent('worker-2'), plain, plain)],
  ])('keeps the agent from %s', (_, review) => {
    expect(refused(review)).toMatch(/agent of a DPU|details is written/);
  });

  it('knows the names of OpenShift once they are put in, and the former no longer', () => {
    const guide = /sed '([^']*)' admission\.yaml/.exec(text)?.[1] ?? '';
    const translated = guide.split('; ').reduce((result, each) => {
      const [, from = '', to = ''] = /^s\/(.*)\/(.*)\/$/.exec(each) ?? [];
      return result.replaceAll(new RegExp(`^([^#\n]*)${from}`, 'gm'), `$1${to}`);
    }, text);
    const there = policiesIn(translated);
    const openshift = onNode('system:serviceaccount:openshift-ovn-kubernetes:ovn-kubernetes-node', 'worker-1');
    expect(judge(there, update(openshift, plain, asked))).toEqual([]);
    expect(judge(there, update(hostHalf('worker-1'), plain, asked))).not.toEqual([]);
    const lease = { ...leaseBy(agent('worker-1'), 'ovn-dpu-worker-2'), namespace: 'openshift-ovn-kubernetes' };
    expect(judge(there, lease)).not.toEqual([]);
  });
});

describe('the leases of DPUs', () => {
  it.each<[string, Review]>([
    ['by the agent, of its own node', leaseBy(agent('worker-1'), 'ovn-dpu-worker-1')],
    ['by the host half, of its own node', leaseBy(hostHalf('worker-1'), 'ovn-dpu-worker-1')],
    ['by the host half with its certificate', leaseBy({ username: 'system:ovn-node:worker-1' }, 'ovn-dpu-worker-1')],
    ['of something else, by whoever may', leaseBy(hostHalf('worker-1'), 'ovn-kubernetes-master')],
  ])('are made %s', (_, review) => {
    expect(isAllowed(review)).toBe(true);
  });

  it.each<[string, Review]>([
    ['by the agent, of another node', leaseBy(agent('worker-1'), 'ovn-dpu-worker-2')],
    ['by the agent, of something else', leaseBy(agent('worker-1'), 'ovn-kubernetes-master')],
    ['by the host half of another node', leaseBy(hostHalf('worker-2'), 'ovn-dpu-worker-1')],
    ['by a copied token', leaseBy({ username: hostHalf('').username }, 'ovn-dpu-')],
    ['by an administrator of the namespace', leaseBy(tenant, 'ovn-dpu-worker-1')],
  ])('are not made %s', (_, review) => {
    expect(isAllowed(review)).toBe(false);
  });
});

it('the rights of an agent reach to the namespace of the lease on OpenShift, once its name is put in', async () => {
  const file = join(import.meta.dirname, '../../deploy/host-cluster/rbac.yaml');
  const [, script = ''] = /sed '([^']*openshift[^']*)' rbac\.yaml/.exec(readFileSync(file, 'utf8')) ?? [];
  const { stdout } = await promisify(execFile)('sed', [script, file]);
  interface Placed {
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly namespace?: string };
  }
  const objects = parseAllDocuments(stdout).map((document) => document.toJS() as Placed);
  const places = objects.map(({ kind, metadata: { name, namespace = '' } }) => [kind, name, namespace]);
  expect(places).toEqual([
    ['Namespace', 'dpu-node-agent', ''],
    ['ServiceAccount', 'dpu-worker-3', 'dpu-node-agent'],
    ['ClusterRole', 'dpu-worker-3', ''],
    ['ClusterRoleBinding', 'dpu-worker-3', ''],
    ['Role', 'dpu-worker-3', 'openshift-ovn-kubernetes'],
    ['RoleBinding', 'dpu-worker-3', 'openshift-ovn-kubernetes'],
  ]);
});

describe('a lease that is being deleted', () => {
  const collector: Review['userInfo'] = { username: 'system:serviceaccount:kube-system:generic-garbage-collector' };
  const lease = (metadata: JsonMap, renewTime: string): JsonMap => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'ovn-dpu-worker-1', ...metadata },
    spec: { holderIdentity: 'ovnkube-dpu-node', renewTime },
  });
  const leaving = { deletionTimestamp: '2026-11-21T12:00:00Z' };
  const waiting = lease({ ...leaving, finalizers: ['foregroundDeletion'] }, '2026-11-21T11:59:50.000000Z');
  const renew = (userInfo: Review['userInfo'], before: JsonMap, after: JsonMap): Review => ({
    ...leaseBy(userInfo, ''),
    operation: 'UPDATE',
    object: after,
    oldObject: before,
  });

  it('goes, for the garbage collector may take its finalizer away', () => {
    const gone = lease(leaving, '2026-11-21T11:59:50.000000Z');
    expect(judge(policies, renew(collector, waiting, gone))).toEqual([]);
  });

  it.each<[string, Review]>([
    ['renewed by anybody else', renew(tenant, waiting, lease(leaving, '2026-11-21T12:00:01.000000Z'))],
    ['said to be leaving while it is not', renew(tenant, lease({}, 'a'), lease(leaving, 'a'))],
    ['another agent’s to touch', renew(agent('worker-2'), waiting, lease(leaving, '2026-11-21T11:59:50.000000Z'))],
  ])('is not %s', (_, review) => {
    expect(judge(policies, review)).not.toEqual([]);
  });
});

function annotationsOf(object: JsonMap): Readonly<Record<string, string>> {
  return (object['metadata'] as { readonly annotations: Readonly<Record<string, string>> }).annotations;
}

function withoutStatus(object: JsonMap): JsonMap {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== 'status'));
}

function binding(annotations: Annotations): JsonMap {
  const metadata: Json = { name: 'web', ...(annotations === undefined ? {} : { annotations }) };
  return { apiVersion: 'v1', kind: 'Binding', metadata, target: { kind: 'Node', name: 'worker-1' } };
}

function leaseBy(userInfo: Review['userInfo'], name: string): Review {
  const object = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec: {} };
  const namespace = 'ovn-kubernetes';
  const at = { group: 'coordination.k8s.io', resource: 'leases', namespace, subResource: '' };
  return { ...at, operation: 'CREATE', userInfo, object, oldObject: null };
}
