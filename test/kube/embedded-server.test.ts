/** The client and the reflector against the embedded API server over TLS, which was not written for them. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { KubeClient, Reflector, identityOf, member, resourcePath, textMember } from '../../src/kube/index.js';
import { systemClock } from '../../src/lib/clock.js';
import { ClusterApi } from '../../src/sandbox/cluster/cluster-api.js';
import { eventually } from '../../src/sandbox/lab/daemon.js';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Setup {
  readonly api: ClusterApi;
  readonly client: KubeClient;
  readonly reflector: Reflector<string>;
}

async function setUp(isByCertificate: boolean): Promise<Setup> {
  const api = new ClusterApi({ bookmarkMs: 100 });
  await api.start();
  const dir = await mkdtemp(join(tmpdir(), 'kube-embedded-'));
  const file = await api.writeKubeconfig(dir, 'tester', { groups: ['system:masters'], isByCertificate });
  const client = new KubeClient({ access: { kind: 'kubeconfig', file }, deadlineMs: 1_000 });
  const reflector = new Reflector<string>({
    client,
    clock: systemClock,
    random: () => 0.5,
    path: resourcePath({ api: 'v1', resource: 'pods' }),
    query: { fieldSelector: 'spec.nodeName=n1' },
    view: (object) => {
      const identity = identityOf(object);
      const annotations = member(member(object, 'metadata'), 'annotations');
      return identity === undefined ? undefined : { ...identity, value: textMember(annotations, 'text') ?? '' };
    },
    timing: {
      pageSize: 7,
      idleMsMax: 500,
      usefulMsMin: 100,
      auditMsMax: 100,
      auditGapMs: 100,
      backoff: { baseMs: 10, capMs: 100 },
    },
  });
  cleanups.push(async () => {
    await reflector.close();
    client.close();
    await api.close();
    await rm(dir, { recursive: true, force: true });
    expect(api.bugs).toEqual([]);
  });
  reflector.start();
  return { api, client, reflector };
}

function putPod(api: ClusterApi, name: string, text: string): void {
  if (api.direct.find('pods', { namespace: 'default', name }) === undefined) {
    const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] };
    api.direct.create('pods', { metadata: { name, annotations: { text } }, spec });
  } else {
    const body = [{ op: 'add', path: '/metadata/annotations/text', value: text }];
    api.direct.patch('pods', { namespace: 'default', name }, body);
  }
}

function removePod(api: ClusterApi, name: string): void {
  if (api.direct.find('pods', { namespace: 'default', name }) !== undefined) {
    api.direct.delete('pods', { namespace: 'default', name });
  }
}

function truth(api: ClusterApi): Record<string, string> {
  const pods = api.direct.list('pods').map((pod) => {
    const metadata = member(pod, 'metadata');
    return [textMember(metadata, 'uid') ?? '', textMember(member(metadata, 'annotations'), 'text') ?? ''] as const;
  });
  return Object.fromEntries(pods.sort());
}

async function untilSame({ api, reflector }: Setup): Promise<void> {
  const held = (): string => JSON.stringify(Object.fromEntries([...reflector.items()].sort()));
  const isSame = (): boolean => reflector.state().kind === 'synced' && held() === JSON.stringify(truth(api));
  await eventually(isSame, 'the reflector holds what the server has', 15_000);
}

describe('against the embedded API server', () => {
  it.each([
    ['a token', false],
    ['a client certificate', true],
  ])('lists, follows and writes with %s', async (_what, isByCertificate) => {
    const setup = await setUp(isByCertificate);
    const { api, client, reflector } = setup;
    for (let index = 0; index < 20; index += 1) putPod(api, `pod-${index}`, 'first');
    await untilSame(setup);
    putPod(api, 'pod-0', 'second');
    removePod(api, 'pod-1');
    await untilSame(setup);
    expect(reflector.deleted.size).toBe(1);
    const { uid } = identityOf(api.direct.get('pods', { namespace: 'default', name: 'pod-2' })) ?? { uid: '' };
    const path = resourcePath({
      api: 'v1',
      resource: 'pods',
      namespace: 'default',
      name: 'pod-2',
      subresource: 'status',
    });
    const patch = (value: string): Promise<unknown> => {
      const body = [
        { op: 'test', path: '/metadata/uid', value },
        { op: 'add', path: '/metadata/annotations/text', value: 'written' },
      ];
      return client.request({ method: 'PATCH', path, body, contentType: 'application/json-patch+json' });
    };
    await expect(patch('another')).rejects.toMatchObject({ code: 'KUBE_INVALID' });
    reflector.accept(member(await patch(uid), 'body'));
    expect(reflector.items().get(uid)).toBe('written');
    await untilSame(setup);
  });

  it('ends with the server’s state after every fault that it can have', { timeout: 60_000 }, async () => {
    const setup = await setUp(false);
    const { api } = setup;
    for (let index = 0; index < 20; index += 1) putPod(api, `pod-${index}`, 'first');
    await untilSame(setup);
    const backup = api.snapshot();
    const faults: Record<string, () => Promise<void> | void> = {
      cut: () => void api.cutConnections(),
      'cut within an event': () => void api.faults.cutWatchesInNextEvent(),
      'no JSON': () => void api.faults.garbleWatches(),
      compacted: () => {
        api.cutConnections();
        putPod(api, 'pod-18', 'unseen');
        api.compact();
      },
      refused: () => {
        for (const status of [401, 401, 403, 429, 500, 503]) api.faults.refuse({ status });
        api.cutConnections();
      },
      'answers lost': () => {
        api.faults.loseReply({ times: 2 });
        api.faults.garble({ match: { verb: 'list' } });
        api.compact();
        api.cutConnections();
      },
      frozen: async () => {
        api.faults.freeze();
        await eventually(() => setup.reflector.state().kind === 'stale', 'the silence is noticed');
        api.faults.thaw();
      },
      killed: async () => {
        await api.stop();
        await eventually(() => setup.reflector.state().lastError?.code === 'CONNECT_FAILED', 'the loss is noticed');
        removePod(api, 'pod-19');
        await api.start();
      },
      'restored from a backup': async () => {
        await api.stop();
        api.restore(backup);
        await api.start();
      },
    };
    const names = Object.keys(faults);
    for (const [round, name] of [...names, ...names.reverse()].entries()) {
      putPod(api, `pod-${round}`, `${name}, before`);
      removePod(api, `pod-${round + 1}`);
      await faults[name]?.();
      putPod(api, `pod-${round}`, `${name}, after`);
      putPod(api, `pod-${round + 1}`, `${name}, made anew`);
      await untilSame(setup);
    }
  });
});
