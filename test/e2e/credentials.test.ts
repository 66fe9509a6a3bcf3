/** What the agent does when its token ends, and that another token is all it takes to go on. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { AgentRig, readyText } from './agent-rig.js';
import { attachAnnotations, type KubeObject } from './kube-object.js';

let rig: AgentRig;
beforeAll(async () => {
  rig = await AgentRig.open();
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

/** Samples of one metric, as the agent exposes them. */
async function samples(name: string): Promise<readonly string[]> {
  const response = await fetch(`http://${rig.agent.httpAddress ?? ''}/metrics`);
  const text = await response.text();
  return text.split('\n').filter((line) => line.startsWith(name));
}

it('an ended token changes nothing of what is attached, is told at once, and another one is taken over', async () => {
  const { stage } = rig;
  const secret = (name: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: stage.leaseNamespace },
  });
  // A token that is bound to an object ends with it: an end that a test need not wait ten minutes for.
  await stage.create(secret('first'), secret('second'));
  const bound = (name: string): Promise<string> =>
    rig.token('--bound-object-kind=Secret', `--bound-object-name=${name}`);
  const kubeconfig = await rig.agentKubeconfig(await bound('first'));
  await rig.startAgent({}, { kubeconfig });
  const pod = await rig.attachPod('stays', 1, attachAnnotations(1));
  const before = await rig.plugged(1, pod.metadata.uid);

  await stage.admin.run(['delete', 'secret', 'first', '-n', stage.leaseNamespace]);
  const { findings } = await rig.until(async () => {
    const status = await rig.agent.status();
    return status?.findings.some(({ reason }) => reason === 'ClusterUnavailable') === true ? status : undefined;
  }, 'there is a finding');
  const [finding] = findings.filter(({ reason }) => reason === 'ClusterUnavailable');
  expect(finding?.message).toContain('does not accept the credentials');
  expect(finding?.remedy).toContain('credentials in hostCluster');
  const findingSample = 'dpu_agent_findings{reason="ClusterUnavailable"} 1';
  await rig.until(async () => (await samples('dpu_agent_findings')).includes(findingSample), 'the finding is counted');
  await rig.until(async () => {
    const [line = ''] = await samples('dpu_agent_lease_age_seconds');
    return Number(line.split(' ')[1]) > 4;
  }, 'the age of the lease is beyond its duration, for the alert');
  expect(await rig.plugged(1, pod.metadata.uid)).toEqual(before);
  expect(await stage.statusText('stays')).toBe(readyText);

  await rig.agentKubeconfig(await bound('second'));
  await rig.until(async () => (await rig.agent.status())?.findings.length === 0, 'the finding is gone');
  await rig.attachPod('next', 2, attachAnnotations(2));
});
