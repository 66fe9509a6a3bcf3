/** The manifest with the agent's rights in the host cluster: all of it is needed, and nothing more is. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/sandbox/cluster/json.js';
import { defaultNetwork, type StandInNetwork } from '../../../src/sandbox/lab/host-half.js';
import { selectionAnnotation } from '../../../src/sandbox/lab/pod-networks.js';
import { agentUser, AttachRig, eventually, leaseNamespace, nodeName } from './attach-rig.js';
import { attack, claim, eventsOf } from './attackers.js';
import { converged, podNamed, podRequest, statusOf } from './world.js';

const manifestFile = join(import.meta.dirname, '..', '..', '..', 'deploy', 'host-cluster', 'rbac.yaml');

const blue: StandInNetwork = { nad: 'default/blue', switchName: 'blue', prefix: '10.245' };

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface Right {
  readonly place: 'clusterroles' | 'roles';
  readonly resource: string;
  readonly verb: string;
}

/** A cluster in which the agent has the rights of the manifest and no others, with a second network. */
async function startRig(): Promise<AttachRig> {
  const rig = await AttachRig.start({ ovn: false, agentGroups: [], networks: [defaultNetwork, blue], vfCount: 6 });
  const { cluster } = rig;
  expect(cluster.rules.load(await readFile(manifestFile, 'utf8'))).toEqual([]);
  cluster.direct.create('network-attachment-definitions', {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name: 'blue', namespace: 'default' },
    spec: { config: '{"cniVersion":"1.0.0","name":"blue","type":"ovn-k8s-cni-overlay","mtu":1380}' },
  });
  return rig;
}

const roleRef = ({ place }: Pick<Right, 'place'>): { name: string; namespace?: string } =>
  place === 'roles' ? { name: 'dpu-host-1', namespace: leaseNamespace } : { name: 'dpu-host-1' };

const rulesOf = ({ cluster }: AttachRig, place: Right['place']): readonly Rule[] =>
  cluster.direct.get(place, roleRef({ place }))['rules'] as unknown as readonly Rule[];

/** Every single right of the manifest. */
const rights = (rig: AttachRig): readonly Right[] =>
  (['clusterroles', 'roles'] as const).flatMap((place) =>
    rulesOf(rig, place).flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => ({ place, resource, verb }))),
    ),
  );

function setRules({ cluster }: AttachRig, place: Right['place'], rules: readonly Rule[]): void {
  const role = cluster.direct.get(place, roleRef({ place }));
  cluster.direct.update(place, { ...role, rules: rules as unknown as Json } satisfies JsonObject);
}

const without = (rules: readonly Rule[], { resource, verb }: Right): readonly Rule[] =>
  rules.map((rule) =>
    rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter((one) => one !== verb) } : rule,
  );

/** Answers 403 to the agent: `verb resource`. */
const refusals = ({ cluster }: AttachRig): readonly string[] =>
  cluster.audit
    .entries(agentUser)
    .filter(({ status }) => status === 403)
    .map(({ verb, resource, subresource }) => `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`);

/** What the agent asked for and got: `verb resource`. */
const uses = ({ cluster }: AttachRig): ReadonlySet<string> =>
  new Set(
    cluster.audit
      .entries(agentUser)
      .filter(({ status, resource }) => status < 300 && resource !== '')
      .map(({ verb, resource, subresource }) => `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`),
  );

/** What makes the agent use all of its rights. */
function makeWork(rig: AttachRig, name: string): void {
  attack(rig, {
    name,
    more: { [selectionAnnotation]: 'default/blue' },
    details: JSON.stringify({
      default: { pfId: '0', vfId: '0', sandboxId: 'x' },
      'default/blue': { pfId: '0', vfId: '6', sandboxId: 'x' },
    }),
  });
}

describe('the rights of the manifest', () => {
  it('are enough for everything that the agent does, and each of them is used', async () => {
    await using rig = await startRig();
    const { cluster, half } = rig;
    const lease = { namespace: leaseNamespace, name: `ovn-dpu-${nodeName}` };
    const timing = { namespace: leaseNamespace, renewMs: 500, durationS: 10 };
    cluster.direct.delete('leases.coordination.k8s.io', lease);
    const agent = await rig.agent({ attach: { lease: timing } });
    await eventually(() => cluster.direct.find('leases.coordination.k8s.io', lease), 'the agent makes the lease');
    const pods = await half.runPods([{ ...podRequest('a'), networks: 'default/blue' }, podRequest('b')]);
    await converged(rig);
    attack(rig, { name: 'refused', details: claim('0', 'x') });
    await eventually(() => statusOf(podNamed(rig, 'refused'))?.Status === 'Error', 'a refusal');
    await eventually(() => eventsOf(rig, 'refused').length === 1, 'its Event');
    // An agent that starts anew counts on where the one before stopped.
    await agent.kill();
    agent.start();
    await eventually(() => uses(rig).has('patch events'), 'the Event is counted');
    await half.stopPods(pods);
    await eventually(async () => (await rig.ports()).length === 0, 'the ports are gone');
    expect(refusals(rig)).toEqual([]);
    const granted = rights(rig).map(({ verb, resource }) => `${verb} ${resource}`);
    expect([...uses(rig)].sort()).toEqual([...new Set(granted)].sort());
    expect(cluster.bugs).toEqual([]);
  });

  it('are all missed when one is not there, and the agent says which', async () => {
    await using rig = await startRig();
    const { cluster } = rig;
    const lease = { namespace: leaseNamespace, name: `ovn-dpu-${nodeName}` };
    const agent = await rig.agent({ attach: { lease: { namespace: leaseNamespace, renewMs: 500, durationS: 10 } } });
    makeWork(rig, 'before');
    await eventually(() => eventsOf(rig, 'before').length > 0, 'all is well');
    const found: string[] = [];
    for (const right of rights(rig)) {
      await agent.kill();
      const rules = rulesOf(rig, right.place);
      setRules(rig, right.place, without(rules, right));
      if (right.verb === 'create' && right.resource === 'leases')
        cluster.direct.delete('leases.coordination.k8s.io', lease);
      cluster.audit.clear();
      agent.start();
      const name = `${right.verb}-${right.resource.replaceAll(/[^a-z]/g, '-')}`;
      if (right.resource !== 'events' || right.verb !== 'patch') makeWork(rig, name);
      const wanted = `${right.verb} ${right.resource}`;
      await eventually(() => refusals(rig).includes(wanted), `403 for ${wanted}`);
      const words = `cannot ${right.verb} resource \\"${right.resource}\\"`;
      await eventually(() => agent.log.includes(words), `the agent says that it ${words}`, 5000).catch(() =>
        found.push(words),
      );
      expect(new Set(refusals(rig))).toEqual(new Set([wanted]));
      setRules(rig, right.place, rules);
    }
    expect(found).toEqual([]);
  });
});
