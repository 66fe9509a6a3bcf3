/** Secondary networks: they need the kind NetworkAttachmentDefinition, which not every cluster has. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentRig } from './agent-rig.js';
import { annotation, detailsOf, macOf, networkOf, representor, sandboxOf } from './kube-object.js';

const group = '/apis/k8s.cni.cncf.io/v1';

describe('a pod with two networks', () => {
  let rig: AgentRig;
  let isAvailable = false;
  beforeAll(async () => {
    rig = await AgentRig.open();
    isAvailable = (await rig.stage.api.call('GET', group)).status === 200;
    await rig.startAgent();
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
  });

  it('has both plugged, each under its own name, and told one by one', async (context) => {
    const { stage } = rig;
    if (!isAvailable && !stage.server.isEmbedded)
      context.skip('NetworkAttachmentDefinition: not available on this cluster');
    const nadKey = `${stage.name}/blue-net`;
    const config = { cniVersion: '0.4.0', name: 'blue', type: 'ovn-k8s-cni-overlay', topology: 'layer2', mtu: 1400 };
    await stage.create({
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: { name: 'blue-net', namespace: stage.name },
      spec: { config: JSON.stringify({ ...config, netAttachDefName: nadKey }) },
    });
    const pod = await stage.createPod('dual', {
      'k8s.v1.cni.cncf.io/networks': 'blue-net',
      [annotation.details]: JSON.stringify({ default: detailsOf(1), [nadKey]: detailsOf(2, sandboxOf(1)) }),
      [annotation.networks]: JSON.stringify({ default: networkOf(1), [nadKey]: networkOf(2, 'secondary') }),
    });
    await rig.plugged(1, pod.metadata.uid);
    const second = await rig.plugged(2, pod.metadata.uid);
    expect(second.externalIds).toMatchObject({
      attached_mac: macOf(2),
      'iface-id': `${nadKey.replaceAll(/[-/]/g, '.')}_${stage.name}_dual`,
      'k8s.ovn.org/nad': nadKey,
      'k8s.ovn.org/network': 'blue',
    });
    const key = JSON.stringify(nadKey);
    await rig.installFlows(2);
    await rig.statusIs('dual', `{${key}:{"Status":"Ready"}}`);
    await rig.installFlows(1);
    await rig.statusIs('dual', `{${key}:{"Status":"Ready"},"default":{"Status":"Ready"}}`);
    await stage.annotate('dual', { [annotation.details]: JSON.stringify({ default: detailsOf(1) }) });
    await rig.statusIs('dual', '{"default":{"Status":"Ready"}}');
    expect(await rig.ports()).toEqual([representor(1)]);
    await stage.deletePods('dual');
  });
});
