/**
 * What the agent relies on when it lists and watches, and when it shows who it is, asked of the API server itself: run
 * against a real one, this proves that the embedded one tells the same. No agent takes part.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import type { KubeObject } from './kube-object.js';
import { Kubectl } from './kubectl.js';
import { contentTypes, RawApi, type Watch } from './raw-api.js';
import { labelled, Stage } from './stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const onNode = (): Readonly<Record<string, string>> => ({ fieldSelector: `spec.nodeName=${stage.name}` });
const query = (parameters: Readonly<Record<string, string>>): string => new URLSearchParams(parameters).toString();
const names = (objects: readonly KubeObject[]): readonly string[] => objects.map(({ metadata }) => metadata.name);
const nodePods = (more: Readonly<Record<string, string>> = {}): string =>
  `/api/v1/pods?${query({ ...onNode(), ...more })}`;

/** The same in the tests' namespace alone: on a real cluster a DaemonSet may have put a pod on the node. */
const ownPods = (more: Readonly<Record<string, string>> = {}): string =>
  `${stage.podsPath}?${query({ ...onNode(), ...more })}`;

/** The tests' pods of the node from a version on. */
function watchFrom(resourceVersion: string | undefined, more: Readonly<Record<string, string>> = {}): Watch {
  return stage.api.watch(stage.podsPath, { ...onNode(), resourceVersion: resourceVersion ?? '', ...more });
}

/** The same from now on. */
async function watchNode(more: Readonly<Record<string, string>> = {}): Promise<Watch> {
  const { metadata } = await stage.api.list(ownPods());
  return watchFrom(metadata.resourceVersion, more);
}

/** What a watch told of one pod's steps; what others changed of it in between is left out. */
function told(watch: Watch, name: string): readonly string[] {
  const events = watch.events.filter(({ object }) => object.metadata.name === name);
  const steps = events.map(({ type, object }) => {
    const { annotations, deletionTimestamp } = object.metadata;
    return [type, annotations?.['e2e/step'], deletionTimestamp === undefined ? [] : 'leaving'].flat().join(' ');
  });
  return steps.filter((step, index) => step !== steps[index - 1]);
}

describe('the API server, about lists', () => {
  it('gives the pods of one node of all namespaces, and knows no selector that it has not', async () => {
    await stage.create(
      stage.podOf('listed-a'),
      stage.podOf('listed-b', { node: '' }),
      stage.podOf('listed-c', { node: `${stage.name}-other` }),
    );
    const list = await stage.api.list(nodePods());
    expect(names(list.items).filter((name) => name.startsWith('listed'))).toEqual(['listed-a']);
    expect(Number(list.metadata.resourceVersion)).toBeGreaterThan(0);
    expect(await stage.api.refusal('GET', `/api/v1/pods?${query({ fieldSelector: 'spec.colour=red' })}`)).toEqual([
      400,
      'BadRequest',
    ]);
    await stage.deletePods('listed-a', 'listed-b', 'listed-c');
  });

  it('gives pages that all show the same moment', async () => {
    const all = ['page-a', 'page-b', 'page-c', 'page-d', 'page-e'];
    await stage.create(...all.map((name) => stage.podOf(name)));
    const first = await stage.api.list(ownPods({ limit: '2' }));
    expect(names(first.items)).toEqual(['page-a', 'page-b']);
    await stage.create(stage.podOf('page-z'));
    await stage.deletePods('page-e');
    const seen = [...first.items];
    for (let next = first.metadata.continue; next !== undefined && next !== '';) {
      const page = await stage.api.list(ownPods({ limit: '2', continue: next }));
      expect(page.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
      seen.push(...page.items);
      next = page.metadata.continue;
    }
    expect(names(seen)).toEqual(all);
    expect(await stage.api.refusal('GET', nodePods({ limit: '2', continue: 'nonsense' }))).toEqual([400, 'BadRequest']);
    await stage.deletePods('page-a', 'page-b', 'page-c', 'page-d', 'page-z');
  });
});

describe('the API server, about watches', () => {
  it('tells every change after the list, in order, each with a higher version', async () => {
    await using watch = await watchNode();
    await stage.createPod('watched', { 'e2e/step': '1' });
    await stage.annotate('watched', { 'e2e/step': '2' });
    await stage.annotate('watched', { 'e2e/step': '3' });
    await stage.api.object('DELETE', stage.podPath('watched'), { gracePeriodSeconds: 600 });
    await stage.api.object('DELETE', stage.podPath('watched'), { gracePeriodSeconds: 0 });
    await watch.find(({ type }) => type === 'DELETED', 'the deletion');
    expect(told(watch, 'watched')).toEqual([
      'ADDED 1',
      'MODIFIED 2',
      'MODIFIED 3',
      'MODIFIED 3 leaving',
      'DELETED 3 leaving',
    ]);
    const versions = watch.events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });

  it('tells from an earlier version what has happened since', async () => {
    const { metadata } = await stage.api.list(ownPods());
    const { metadata: made } = await stage.createPod('since', { 'e2e/step': '1' });
    await stage.annotate('since', { 'e2e/step': '2' });
    await using all = watchFrom(metadata.resourceVersion);
    await using later = watchFrom(made.resourceVersion);
    const isSecond = ({ object }: { readonly object: KubeObject }): boolean =>
      object.metadata.annotations?.['e2e/step'] === '2';
    await all.find(isSecond, 'the second change');
    await later.find(isSecond, 'the second change');
    expect(told(all, 'since')).toEqual(['ADDED 1', 'MODIFIED 2']);
    expect(told(later, 'since')).toEqual(['MODIFIED 2']);
    await stage.deletePods('since');
  });

  it('tells of a pod that comes to the node as of a new one', async () => {
    await stage.create(stage.podOf('bound', { node: '' }));
    await using watch = await watchNode();
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'bound', namespace: stage.name },
      target: { apiVersion: 'v1', kind: 'Node', name: stage.name },
    };
    expect((await stage.api.call('POST', `${stage.podPath('bound')}/binding`, binding)).status).toBe(201);
    const { type, object } = await watch.find(({ object: { metadata } }) => metadata.name === 'bound', 'the pod');
    expect([type, object.spec?.['nodeName']]).toEqual(['ADDED', stage.name]);
    await stage.deletePods('bound');
  });

  it('sends bookmarks to those who ask, from which a watch goes on', async () => {
    await using watch = await watchNode({ allowWatchBookmarks: 'true', timeoutSeconds: '8' });
    const made = await stage.createPod('before');
    const bookmark = await watch.find(({ type }) => type === 'BOOKMARK', 'where it is');
    const { resourceVersion = '' } = bookmark.object.metadata;
    expect(bookmark.object.kind).toBe('Pod');
    expect(Number(resourceVersion)).toBeGreaterThanOrEqual(Number(made.metadata.resourceVersion));
    await using next = watchFrom(resourceVersion);
    await stage.createPod('after');
    const first = await next.find(() => true, 'the next pod');
    expect([first.type, first.object.metadata.name]).toEqual(['ADDED', 'after']);
    await stage.deletePods('before', 'after');
  });

  it('ends a watch in order when its time is up', async () => {
    await using watch = await watchNode({ timeoutSeconds: '1' });
    await watch.end();
    expect([watch.status, watch.isEnded]).toEqual([200, true]);
    expect(watch.events.filter(({ type }) => type === 'ERROR')).toEqual([]);
  });

  it('says that it has forgotten what is too long ago', async (context) => {
    await stage.createPod('history');
    await stage.deletePods('history');
    stage.server.compact();
    await using watch = watchFrom('1', { timeoutSeconds: '10' });
    await eventually(() => watch.isEnded || watch.events.length > 0, 'the server answers');
    const [first] = watch.events;
    // A real server that was started a moment ago, with an empty database, remembers everything.
    if (first?.type !== 'ERROR' && !stage.server.isEmbedded) context.skip('this server has forgotten nothing yet');
    expect(first).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
  });
});

describe('the API server, about who is asking', () => {
  /** The server as somebody with this token sees it. */
  async function asHolderOf(token: string, name: string): Promise<RawApi> {
    const kubeconfig = await stage.kubeconfigOf(token, name);
    return RawApi.open(new Kubectl(kubeconfig, `${stage.server.dir}/${name}-cache`));
  }

  it('does not know a token that it never gave', async () => {
    await using stranger = await asHolderOf('nobody.knows.this', 'stranger');
    expect(await stranger.refusal('GET', nodePods())).toEqual([401, 'Unauthorized']);
  });

  it('gives tokens for service accounts, with their rights and no others', async () => {
    const { agentAccount, leaseNamespace } = stage;
    const token = await stage.admin.run(['create', 'token', agentAccount, '-n', leaseNamespace]);
    await using agent = await asHolderOf(token.trim(), 'agent');
    expect((await agent.call('GET', nodePods())).status).toBe(200);
    expect((await agent.call('GET', `/api/v1/nodes/${stage.name}`)).status).toBe(200);
    expect(await agent.refusal('GET', '/api/v1/nodes')).toEqual([403, 'Forbidden']);
    expect(await agent.refusal('POST', stage.podsPath, labelled(stage.podOf('forged')))).toEqual([403, 'Forbidden']);
    const missing = stage.podPath('missing');
    const patch = { metadata: { annotations: { a: 'b' } } };
    const { mergePatch } = contentTypes;
    // Whoever lacks the right does not learn what there is.
    expect(await agent.refusal('PATCH', missing, patch, mergePatch)).toEqual([403, 'Forbidden']);
    expect(await agent.refusal('PATCH', `${missing}/status`, patch, mergePatch)).toEqual([404, 'NotFound']);
    expect(await agent.refusal('GET', stage.leasePath)).toEqual([404, 'NotFound']);
    expect(await agent.refusal('GET', `${stage.leasePath}-other`)).toEqual([403, 'Forbidden']);
  });

  it('gives no token for less than ten minutes, nor for an account that is not there', async () => {
    const accounts = `/api/v1/namespaces/${stage.leaseNamespace}/serviceaccounts`;
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 60 } };
    const at = `${accounts}/${stage.agentAccount}/token`;
    expect(await stage.api.refusal('POST', at, request)).toEqual([422, 'Invalid']);
    expect(await stage.api.refusal('POST', `${accounts}/nobody/token`, { ...request, spec: {} })).toEqual([
      404,
      'NotFound',
    ]);
  });
});
