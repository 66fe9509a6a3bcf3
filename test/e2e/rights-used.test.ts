/**
 * The manifest of deploy/host-cluster against what the agent asks for: no request is beyond it, and no right in it is one that the
 * agent never uses. By the audit log of the embedded server, which a real one does not show.
 */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { AgentRig, readyText } from './agent-rig.js';
import { annotation, attachAnnotations, detailsOf, networkOf, sandboxOf } from './kube-object.js';
import { rightsObjects } from './rights.js';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

const rig: { current?: AgentRig } = {};
beforeAll(async () => {
  rig.current = await AgentRig.open();
});
afterAll(async () => {
  await rig.current?.[Symbol.asyncDispose]();
});

it('every right of the manifest is used, and nothing beyond is asked for', async (context) => {
  const { current } = rig;
  if (current === undefined) throw new Error('no rig');
  const { stage } = current;
  if (!stage.server.isEmbedded) context.skip('the audit log of a real server');
  await current.startAgent();
  const user = `system:serviceaccount:${stage.leaseNamespace}:${stage.agentAccount}`;
  const told = (): readonly string[] =>
    stage.server.audit
      .entries(user)
      .filter(({ resource }) => resource !== '')
      .map(({ verb, group, resource, subresource }) => {
        const place = subresource === '' ? resource : `${resource}/${subresource}`;
        return `${verb} ${place}.${group}`;
      });

  // The whole life: attached, refused twice for the same reason, gone.
  await current.attachPod('used', 1, attachAnnotations(1));
  await stage.createPod('greedy', attachAnnotations(1));
  await current.until(async () => (await stage.statusText('greedy'))?.includes('Error') === true, 'greedy is refused');
  for (const vf of [2, 1]) {
    const details = JSON.stringify({ default: detailsOf(vf) });
    await stage.annotate('greedy', { [annotation.details]: details });
    const word = vf === 1 ? '"Error"' : undefined;
    await current.until(async () => {
      const text = await stage.statusText('greedy');
      return word === undefined ? text?.includes('"Error"') !== true : text?.includes(word) === true;
    }, `greedy has function ${vf}, or not`);
  }
  await current.until(
    () => Promise.resolve(told().includes('update leases.coordination.k8s.io')),
    'the lease is renewed',
  );
  // Definitions are read once a pod has a further network.
  const nadKey = `${stage.name}/blue`;
  const second = { [nadKey]: detailsOf(3, sandboxOf(2)) };
  await stage.createPod('dual', {
    'k8s.v1.cni.cncf.io/networks': 'blue',
    [annotation.details]: JSON.stringify({ default: detailsOf(2), ...second }),
    [annotation.networks]: JSON.stringify({ default: networkOf(2), [nadKey]: networkOf(3, 'secondary') }),
  });
  await current.until(
    () => Promise.resolve(told().some((right) => right.startsWith('watch network-attachment-definitions'))),
    'definitions are watched',
  );
  expect(await stage.statusText('used')).toBe(readyText);
  await current.agent.stop();

  const rules = rightsObjects(stage.name, stage.leaseNamespace).flatMap(
    (object) => (object['rules'] ?? []) as readonly Rule[],
  );
  const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}.${group}`))),
  );
  // What repeats is told once a minute at most; that it is told by patch is what the test of the adapter shows.
  expect([...new Set([...told(), 'patch events.'])].sort()).toEqual([...new Set(granted)].sort());
  expect(stage.server.audit.entries(user).filter(({ status }) => status === 403)).toEqual([]);
  // What can be restricted to a name is, to that of this DPU.
  const named = rules.filter(({ resourceNames }) => resourceNames !== undefined);
  expect(named.map(({ resources, resourceNames }) => [resources, resourceNames])).toEqual([
    [['nodes'], [stage.name]],
    [['leases'], [stage.leaseName]],
  ]);
  const others = rules.filter(
    ({ verbs, resourceNames }) =>
      resourceNames === undefined && verbs.some((verb) => ['update', 'delete', 'get'].includes(verb)),
  );
  expect(others).toEqual([]);
});
