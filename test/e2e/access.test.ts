/** How the agent shows itself to the API server, with which rights, and that these suffice and are all that it has. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AgentRig, readyText, type Section } from './agent-rig.js';
import { attachAnnotations, type KubeObject } from './kube-object.js';
import { Kubectl } from './kubectl.js';
import { RawApi } from './raw-api.js';

describe("the agent's access to the host cluster", () => {
  let rig: AgentRig;
  let attached = 0;
  beforeAll(async () => {
    rig = await AgentRig.open();
  });
  afterEach(async () => {
    await rig.agent.stop();
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
  });

  /** Proves that the agent reads and writes: a pod is attached completely, and goes. */
  async function attachOne(): Promise<void> {
    attached += 1;
    const name = `access-${attached}`;
    await rig.attachPod(name, 1, attachAnnotations(1));
    await rig.stage.deletePods(name);
    await rig.until(async () => (await rig.ports()).length === 0, 'the port is gone');
  }

  /** `hostCluster` with a server's address, and files beside it. */
  async function serverAccess(tokenFile: string): Promise<Section> {
    const cluster = await rig.stage.clusterSection();
    const base64 = cluster['certificate-authority-data'];
    const pem = typeof base64 === 'string' ? Buffer.from(base64, 'base64').toString() : undefined;
    const caFile = pem === undefined ? undefined : await rig.stage.secretFile('ca.crt', pem);
    return { server: cluster.server, tokenFile, ...(caFile === undefined ? {} : { caFile }) };
  }

  it('is by kubeconfig, with the rights of the manifest and no others', async () => {
    const { stage } = rig;
    await rig.startAgent();
    await attachOne();
    await rig.until(async () => (await stage.lease()) !== undefined, 'the lease is there');
    await stage.createPod('greedy', attachAnnotations(0));
    await rig.until(async () => {
      const path = `/api/v1/namespaces/${stage.name}/events?fieldSelector=reason%3DRepresentorReserved`;
      return (await stage.api.list(path)).items.length === 1;
    }, 'the Event is there');
    await stage.deletePods('greedy');
    const agent = new Kubectl(await stage.kubeconfigOf(await rig.token(), 'judged'), `${stage.server.dir}/agent-cache`);
    const may = (...words: readonly string[]): Promise<boolean> =>
      agent.run(['auth', 'can-i', ...words]).then(
        (answer) => answer.trim() === 'yes',
        () => false,
      );
    const [lease, leases, inside] = [`lease/${stage.leaseName}`, 'leases.coordination.k8s.io', stage.leaseNamespace];
    const rights: readonly (readonly [boolean, readonly string[]])[] = [
      [true, ['list', 'pods', '-A']],
      [true, ['watch', 'pods', '-A']],
      [true, ['patch', 'pods', '--subresource=status', '-n', stage.name]],
      [true, ['get', `node/${stage.name}`]],
      [true, ['create', 'events', '-n', stage.name]],
      [true, ['get', lease, '-n', inside]],
      [true, ['update', lease, '-n', inside]],
      [true, ['create', leases, '-n', inside]],
      [false, ['update', 'lease/ovn-dpu-another', '-n', inside]],
      [false, ['delete', lease, '-n', inside]],
      [false, ['update', lease, '-n', stage.name]],
      [false, ['patch', 'pods', '-n', stage.name]],
      [false, ['update', 'pods', '--subresource=status', '-n', stage.name]],
      [false, ['create', 'pods', '-n', stage.name]],
      [false, ['delete', 'pods', '-n', stage.name]],
      [false, ['list', 'nodes']],
      [false, ['get', 'node/another']],
      [false, ['patch', 'nodes', '--subresource=status']],
      [false, ['get', 'secrets', '-n', inside]],
      [false, ['get', 'configmaps', '-n', inside]],
      [false, ['create', 'serviceaccounts', '--subresource=token', '-n', inside]],
    ];
    const answers = await Promise.all(rights.map(async ([, words]) => [await may(...words), words]));
    expect(answers).toEqual(rights);
  });

  it('is by the address of the server, a token and its authority, each in a file', async () => {
    const tokenFile = await rig.stage.secretFile('token', `${await rig.token()}\n`);
    await rig.startAgent({}, { ...(await serverAccess(tokenFile)), nodeName: rig.stage.name });
    const status = await rig.agent.status();
    expect(status?.attach?.cluster).toMatchObject({ kind: 'synced' });
    await attachOne();
  });

  it('goes on with another token when the file is replaced, after the former has become worthless', async () => {
    const { stage } = rig;
    const secret = (name: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: stage.leaseNamespace },
    });
    await stage.create(secret('first'), secret('second'));
    const bound = (name: string): Promise<string> =>
      rig.token('--bound-object-kind=Secret', `--bound-object-name=${name}`);
    const first = await bound('first');
    const tokenFile = await rig.stage.secretFile('rotated', first);
    await rig.startAgent({}, await serverAccess(tokenFile));
    await attachOne();
    await rig.stage.secretFile('rotated', await bound('second'));
    await stage.admin.run(['delete', 'secret', 'first', '-n', stage.leaseNamespace]);
    // Servers remember for some seconds that a token was good.
    await using former = await RawApi.open(
      new Kubectl(await stage.kubeconfigOf(first, 'former'), `${stage.server.dir}/former-cache`),
    );
    const isRefused = async (): Promise<boolean> => (await former.call('GET', '/api/v1/pods?limit=1')).status === 401;
    await rig.until(isRefused, 'the first token is refused', 60_000);
    await attachOne();
    const renewed = (await stage.lease())?.spec?.['renewTime'];
    await rig.until(async () => (await stage.lease())?.spec?.['renewTime'] !== renewed, 'the lease is renewed');
  });

  it('ends with its account: ports stay, and it says that it is refused', async () => {
    const { stage } = rig;
    await rig.startAgent();
    const pod = await rig.attachPod('orphaned', 2, attachAnnotations(2));
    const { agentAccount, leaseNamespace } = stage;
    await stage.admin.run(['delete', 'serviceaccount', agentAccount, '-n', leaseNamespace]);
    await rig.says(
      ({ lease }) => lease.kind === 'held' && /\b401\b|nauthor/.test(lease.message ?? ''),
      'that it is refused',
      60_000,
    );
    await rig.plugged(2, pod.metadata.uid);
    expect(await stage.statusText('orphaned')).toBe(readyText);
  });
});
