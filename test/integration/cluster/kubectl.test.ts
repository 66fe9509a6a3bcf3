/**
 * The real kubectl as a witness that the embedded API server behaves as clients of Kubernetes expect: over HTTPS, with a
 * kubeconfig, with tokens and with client certificates. `KUBECTL` names another binary (tried with 1.20 and 1.32).
 */

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import { objectAt, textAt, valueAt } from '../../../src/sandbox/cluster/json.js';
import { mergePatchType } from '../../../src/sandbox/cluster/patch-plan.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { podOf } from '../../sandbox/cluster/fixtures.js';

const binary = process.env['KUBECTL'] ?? 'kubectl';
let directory: string;
let cluster: ClusterApi;
let config: string;

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function environment(kubeconfig: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: directory, KUBECONFIG: kubeconfig };
}

function kubectlAs(kubeconfig: string, ...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: environment(kubeconfig), timeout: 30_000 };
    execFile(binary, ['--request-timeout=20s', ...args], options, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err });
    });
  });
}

const kubectl = (...args: readonly string[]): Promise<Ran> => kubectlAs(config, ...args);

/** What kubectl printed; fails when it failed. */
async function printed(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await kubectl(...args);
  expect({ args, code, err: code === 0 ? '' : err }).toEqual({ args, code: 0, err: '' });
  return out;
}

async function manifest(name: string, text: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, text);
  return file;
}

const podYaml = (image: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default, labels: {app: web}}
spec:
  nodeName: host-1
  containers: [{name: c, image: "${image}"}]
`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubectl-test-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

beforeEach(async () => {
  cluster = new ClusterApi();
  await cluster.start();
  config = await cluster.writeKubeconfig(directory);
});
afterEach(async () => {
  expect(cluster.bugs).toEqual([]);
  await cluster.close();
});

describe('kubectl', () => {
  it('learns what the server is and has', async () => {
    expect(await printed('version')).toContain('v1.32.0-embedded+dpu-node-agent');
    const resources = await printed('api-resources', '-o', 'name');
    expect(resources.split('\n')).toEqual(
      expect.arrayContaining(['pods', 'nodes', 'leases.coordination.k8s.io', 'events.events.k8s.io']),
    );
    expect(await printed('get', '--raw', '/readyz')).toBe('ok');
  });

  it('creates, shows, annotates, labels and patches a pod', async () => {
    await printed('create', 'namespace', 'n1');
    expect(await printed('create', '-f', await manifest('pod.yaml', podYaml('a:1')))).toContain('created');
    expect(await printed('get', 'pods')).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\nweb +0\/1 +Pending +0 +\d+s/);
    expect(await printed('get', 'pod', 'web', '-o', 'wide')).toContain('host-1');
    await printed('annotate', 'pod', 'web', 'k8s.ovn.org/dpu.connection-details={"default":{}}');
    await printed('label', 'pod', 'web', 'tier=front');
    await printed('patch', 'pod', 'web', '-p', '{"metadata":{"annotations":{"more":"x"}}}');
    await printed('patch', 'pod', 'web', '--type=merge', '-p', '{"metadata":{"annotations":{"more":null}}}');
    const pod = cluster.direct.get('pods', { name: 'web' });
    expect(objectAt(pod, 'metadata', 'annotations')).toEqual({
      'k8s.ovn.org/dpu.connection-details': '{"default":{}}',
    });
    expect(await printed('get', 'pods', '-A', '-l', 'tier in (front)', '-o', 'name')).toBe('pod/web\n');
    expect(await printed('get', 'pods', '--field-selector', 'spec.nodeName!=host-1', '-o', 'name')).toBe('');
  });

  it('tells a failed test of a JSON patch as invalid', async () => {
    cluster.direct.create('pods', podOf('web'));
    const patch = '[{"op":"test","path":"/metadata/uid","value":"other"}]';
    const { code, err } = await kubectl('patch', 'pod', 'web', '--type=json', '-p', patch);
    expect(code).toBe(1);
    expect(err).toContain('The request is invalid');
  });

  it('applies a manifest and applies its change', async () => {
    expect(await printed('apply', '-f', await manifest('pod.yaml', podYaml('a:1')))).toContain('pod/web created');
    expect(await printed('apply', '-f', await manifest('pod.yaml', podYaml('a:1')))).toContain('pod/web unchanged');
    expect(await printed('apply', '-f', await manifest('pod.yaml', podYaml('a:2')))).toContain('pod/web configured');
    expect(textAt(cluster.direct.get('pods', { name: 'web' }), 'spec', 'nodeName')).toBe('host-1');
    const { code, err } = await kubectl(
      'apply',
      '-f',
      await manifest('pod.yaml', podYaml('a:2').replace('host-1', 'host-2')),
    );
    expect(code).toBe(1);
    expect(err).toContain('pod updates may not change fields other than');
  });

  it('applies on the server, is told of conflicts, and wins by force', async () => {
    const nad = (mtu: number): string => `
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: blue, namespace: default}
spec: {config: '{"mtu": ${mtu}}'}
`;
    const apply = ['apply', '--server-side', '--field-manager=one', '-f'];
    await printed(...apply, await manifest('nad.yaml', nad(1)));
    const nads = 'network-attachment-definitions.k8s.cni.cncf.io';
    const patch = { spec: { config: '{"mtu": 3}' } };
    cluster.direct.patch(nads, { name: 'blue' }, patch, { contentType: mergePatchType, manager: 'somebody' });
    const { code, err } = await kubectl(...apply, await manifest('nad.yaml', nad(2)));
    expect(code).toBe(1);
    expect(err).toContain('conflict with "somebody"');
    expect(err).toContain('.spec.config');
    await printed(...apply, await manifest('nad.yaml', nad(2)), '--force-conflicts');
    const stored = cluster.direct.get(nads, { name: 'blue' });
    expect(textAt(stored, 'spec', 'config')).toBe('{"mtu": 2}');
    expect(valueAt(stored, 'metadata', 'generation')).toBe(3);
    expect(await printed('get', 'net-attach-def', '-o', 'name')).toContain('/blue');
  });

  it('describes a pod with the events about it, of either kind', async () => {
    const pod = cluster.direct.create('pods', podOf('web'));
    const about = { kind: 'Pod', namespace: 'default', name: 'web', uid: textAt(pod, 'metadata', 'uid') };
    const time = new Date(cluster.nowMs()).toISOString();
    cluster.direct.create('events.events.k8s.io', {
      metadata: { name: 'web.1', namespace: 'default' },
      eventTime: time.replace('Z', '000Z'),
      reportingController: 'dpu-node-agent',
      reportingInstance: 'dpu-1',
      action: 'Plug',
      reason: 'VfClaimedTwice',
      type: 'Warning',
      note: 'another pod has it',
      regarding: about,
    });
    const described = await printed('describe', 'pod', 'web');
    expect(described).toMatch(/Node: +host-1/);
    expect(described).toMatch(/Warning +VfClaimedTwice.*dpu-node-agent.*another pod has it/);
    expect(await printed('get', 'events')).toMatch(/Warning +VfClaimedTwice +pod\/web +another pod has it/);
  });

  it('describes a node with its pods', async () => {
    cluster.direct.create('nodes', {
      metadata: { name: 'host-1' },
      status: { allocatable: { cpu: '4', memory: '8Gi' } },
    });
    cluster.direct.create('pods', podOf('web'));
    expect(await printed('describe', 'node', 'host-1')).toMatch(/Non-terminated Pods: +\(1 in total\)[^]*default +web/);
    expect(await printed('get', 'nodes')).toMatch(/host-1 +Unknown +<none>/);
  });

  it('deletes with grace and waits until the kubelet is done', async () => {
    cluster.kubelet = 300;
    cluster.direct.create('pods', podOf('web'));
    cluster.direct.create('pods', podOf('quick'));
    expect(await printed('delete', 'pod', 'web')).toContain('deleted');
    expect(await printed('delete', 'pod', 'quick', '--force', '--grace-period=0')).toContain('deleted');
    expect(cluster.direct.list('pods')).toEqual([]);
    await printed('create', 'namespace', 'n1');
    cluster.direct.create('pods', podOf('web', { namespace: 'n1' }));
    await printed('delete', 'namespace', 'n1');
    expect(cluster.direct.find('namespaces', { name: 'n1' })).toBeUndefined();
  });

  it('waits for a condition, and for a deletion', async () => {
    cluster.kubelet = 'manual';
    cluster.direct.create('pods', podOf('web'));
    const ready = printed('wait', '--for=condition=Ready', 'pod/web', '--timeout=15s');
    await eventually(() => cluster.watchCount > 0);
    const conditions = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
    cluster.direct.patch('pods', { name: 'web', subresource: 'status' }, conditions, { contentType: mergePatchType });
    expect(await ready).toContain('condition met');
    cluster.direct.delete('pods', { name: 'web' });
    const gone = printed('wait', '--for=delete', 'pod/web', '--timeout=15s');
    await eventually(() => cluster.watchCount > 0);
    cluster.finishDeletions();
    await gone;
  });

  it('watches what happens', async () => {
    cluster.kubelet = 'manual';
    cluster.direct.create('pods', podOf('web'));
    const child = spawn(binary, ['get', 'pods', '--watch', '--output-watch-events'], { env: environment(config) });
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line.split(/\s+/, 2).join(' ')));
    try {
      await eventually(() => cluster.watchCount > 0 && lines.length >= 2);
      cluster.direct.patch('pods', { name: 'web' }, [{ op: 'add', path: '/metadata/labels', value: { a: 'b' } }]);
      cluster.direct.delete('pods', { name: 'web' }, { graceSeconds: 0 });
      await eventually(() => lines.length >= 4);
      expect(lines).toEqual(['EVENT NAME', 'ADDED web', 'MODIFIED web', 'DELETED web']);
    } finally {
      child.kill();
    }
  });

  it('reads long lists page by page', async () => {
    for (let i = 0; i < 25; i += 1) cluster.direct.create('pods', podOf(`p${i}`));
    cluster.audit.clear();
    const names = await printed('get', 'pods', '--chunk-size=10', '-o', 'name');
    expect(names.trim().split('\n')).toHaveLength(25);
    expect(cluster.audit.entries().filter((entry) => entry.verb === 'list')).toHaveLength(3);
  });

  it('is refused what its user may not do, and can ask beforehand', async () => {
    cluster.rules.grant('viewer', [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }]);
    const viewer = await cluster.writeKubeconfig(directory, 'viewer');
    expect((await kubectlAs(viewer, 'get', 'pods')).code).toBe(0);
    const refused = await kubectlAs(viewer, 'get', 'nodes');
    expect(refused.err).toContain('User "viewer" cannot list resource "nodes" in API group "" at the cluster scope');
    expect((await kubectlAs(viewer, 'auth', 'can-i', 'list', 'pods')).out.trim()).toBe('yes');
    expect((await kubectlAs(viewer, 'auth', 'can-i', 'patch', 'pods/status')).out.trim()).toBe('no');
    expect((await kubectlAs(viewer, 'auth', 'can-i', '--list')).out).toMatch(/pods +\[\] +\[\] +\[get list\]/);
  });

  it('authenticates by a client certificate', async () => {
    const options = { groups: ['viewers'], isByCertificate: true };
    const viewer = await cluster.writeKubeconfig(directory, 'by-certificate', options);
    cluster.rules.grant('by-certificate', [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }]);
    expect((await kubectlAs(viewer, 'get', 'pods')).code).toBe(0);
    expect(cluster.audit.entries('by-certificate').at(-1)).toMatchObject({ verb: 'list', status: 200 });
  });

  it('creates the small kinds that it sends in its own encoding', async () => {
    await printed('create', 'serviceaccount', 'agent');
    await printed('create', 'configmap', 'c', '--from-literal=key=value');
    await printed('create', 'clusterrole', 'r', '--verb=get,list', '--resource=pods,pods/status');
    await printed('create', 'clusterrolebinding', 'b', '--clusterrole=r', '--serviceaccount=default:agent');
    expect(cluster.direct.get('clusterroles', { name: 'r' })['rules']).toEqual([
      { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/status'] },
    ]);
    expect(cluster.direct.get('configmaps', { name: 'c' })['data']).toEqual({ key: 'value' });
    const asAgent = await cluster.writeKubeconfig(directory, 'system:serviceaccount:default:agent');
    expect((await kubectlAs(asAgent, 'get', 'pods')).code).toBe(0);
  });

  it('is told to come back when the server is throttling, and does', async () => {
    cluster.faults.refuse({ status: 429, retryAfterSeconds: 1, match: { resource: 'pods' } });
    await printed('get', 'pods');
    expect(
      cluster.audit
        .entries()
        .filter((entry) => entry.resource === 'pods')
        .map((entry) => entry.status),
    ).toEqual([429, 200]);
  });
});
