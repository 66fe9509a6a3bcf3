/** One pod at a time: plugged, told, unplugged, refused, exactly as ovn-kubernetes' host half expects it. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentRig, expectedIds, readyText } from './agent-rig.js';
import {
  addressOf,
  annotation,
  attachAnnotations,
  detailsOf,
  macOf,
  networkOf,
  representor,
  sandboxOf,
} from './kube-object.js';

describe('a pod of the host cluster', () => {
  let rig: AgentRig;
  beforeAll(async () => {
    rig = await AgentRig.open();
    await rig.startAgent();
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
  });

  it('is plugged when its details come, and told Ready only once ovn-controller has installed it', async () => {
    const { stage } = rig;
    const pod = await stage.createPod('web-0', { [annotation.networks]: JSON.stringify({ default: networkOf(1) }) });
    await rig.says(({ podCount }) => podCount === 1, 'that there is one pod');
    expect(await rig.ports()).toEqual([]);
    await stage.annotate('web-0', { [annotation.details]: JSON.stringify({ default: detailsOf(1) }) });
    const seen = await rig.plugged(1, pod.metadata.uid);
    const entries = Object.entries(seen.externalIds);
    const [marks, ids] = [true, false].map((isMark) =>
      Object.fromEntries(entries.filter(([key]) => key.startsWith('dpu-agent-') === isMark)),
    );
    expect(ids).toEqual(expectedIds(pod, 1, macOf(1), addressOf(1)));
    expect(Object.keys(marks ?? {}).sort()).toEqual(['dpu-agent-keys', 'dpu-agent-owner']);
    expect(await rig.rig.lab.vsctl('get', 'Port', representor(1), 'other_config:transient')).toBe('"true"\n');
    await rig.says(({ counts }) => counts['OvnNotInstalled'] === 1, 'that it waits for OVN');
    expect(await stage.statusText('web-0')).toBeUndefined();
    await rig.installFlows(1);
    await rig.statusIs('web-0', readyText);
  });

  it('keeps everything else that it is, and what others write into it', async () => {
    const { stage } = rig;
    const before = await stage.pod('web-0');
    await stage.annotate('web-0', { 'example.com/note': 'theirs' });
    await stage.admin.run(['label', 'pod', 'web-0', '-n', stage.name, 'tier=front']);
    const after = await stage.pod('web-0');
    expect(after?.spec).toEqual(before?.spec);
    expect(after?.status).toEqual(before?.status);
    expect(after?.metadata.annotations).toEqual({
      ...before?.metadata.annotations,
      'example.com/note': 'theirs',
    });
    expect(after?.metadata.annotations?.[annotation.status]).toBe(readyText);
  });

  it('is unplugged when its details are removed, and loses its status', async () => {
    const { stage } = rig;
    await stage.annotate('web-0', { [annotation.details]: null });
    await rig.until(async () => (await rig.ports()).length === 0, 'the port is gone');
    // ovn-kubernetes leaves the annotation behind, empty.
    await rig.statusIs('web-0', '{}');
    expect((await stage.pod('web-0'))?.metadata.annotations?.['example.com/note']).toBe('theirs');
  });

  it('is plugged again for another sandbox, and the former Ready is taken back first', async () => {
    const { stage } = rig;
    const uid = (await stage.pod('web-0'))?.metadata.uid;
    await stage.annotate('web-0', { [annotation.details]: JSON.stringify({ default: detailsOf(1) }) });
    const first = await rig.plugged(1, uid);
    await rig.installFlows(1);
    await rig.statusIs('web-0', readyText);
    const details = { default: detailsOf(1, sandboxOf(1_000)) };
    await stage.annotate('web-0', { [annotation.details]: JSON.stringify(details) });
    const second = await rig.until(async () => {
      const seen = (await rig.interfaces()).get(representor(1));
      return seen?.externalIds['sandbox'] === sandboxOf(1_000) ? seen : undefined;
    }, 'the port has the other sandbox');
    expect(second.uuid).not.toBe(first.uuid);
    expect(second.externalIds['ovn-installed']).toBeUndefined();
    await rig.statusIs('web-0', '{}');
    await rig.installFlows(1);
    await rig.statusIs('web-0', readyText);
  });

  it('leaves no port behind when it is deleted', async () => {
    await rig.stage.deletePods('web-0');
    await rig.until(async () => (await rig.ports()).length === 0, 'the port is gone');
  });

  it('keeps its port through the grace of its deletion', async () => {
    const { stage } = rig;
    const pod = await rig.attachPod('leaving', 2, attachAnnotations(2));
    await stage.admin.run(['delete', 'pod', 'leaving', '-n', stage.name, '--grace-period=300', '--wait=false']);
    expect((await stage.pod('leaving'))?.metadata.deletionTimestamp).toBeDefined();
    // A pod that comes later and is ready proves that the deletion has been seen.
    await rig.attachPod('later', 3, attachAnnotations(3));
    await rig.plugged(2, pod.metadata.uid);
    expect(await stage.statusText('leaving')).toBe(readyText);
    await stage.deletePods('leaving', 'later');
    await rig.until(async () => (await rig.ports()).length === 0, 'the ports are gone');
  });

  it('of the same name as one before is another pod', async () => {
    const { stage } = rig;
    const first = await rig.attachPod('again', 2, attachAnnotations(2));
    await stage.deletePods('again');
    const second = await stage.createPod('again', attachAnnotations(2, sandboxOf(2_000)));
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    const seen = await rig.plugged(2, second.metadata.uid);
    expect(seen.externalIds['ovn-installed']).toBeUndefined();
    expect(await stage.statusText('again')).toBeUndefined();
    await rig.installFlows(2);
    await rig.statusIs('again', readyText);
    await stage.deletePods('again');
  });

  it('gets an error at once for a function that no pod may have, and an Event that kubectl describe shows', async () => {
    const { stage } = rig;
    await stage.createPod('greedy', attachAnnotations(0));
    const text = '{"default":{"Status":"Error","Reason":"the virtual function is not available to pods"}}';
    await rig.statusIs('greedy', text);
    const told = await rig.until(async () => {
      const described = await stage.admin.run(['describe', 'pod', 'greedy', '-n', stage.name]);
      return /Warning\s+RepresentorReserved\s.*dpu-node-agent.*not available to pods/.exec(described)?.[0];
    }, 'the Event is there');
    expect(told).toContain('dpu-node-agent');
    expect(await rig.ports()).toEqual([]);
    await stage.annotate('greedy', { [annotation.details]: JSON.stringify({ default: detailsOf(4) }) });
    await stage.annotate('greedy', { [annotation.networks]: JSON.stringify({ default: networkOf(4) }) });
    await rig.plugged(4, (await stage.pod('greedy'))?.metadata.uid);
    await rig.installFlows(4);
    await rig.statusIs('greedy', readyText);
    await stage.deletePods('greedy');
  });

  it('does not get the function of another, whose port and status stay as they are', async () => {
    const { stage } = rig;
    const first = await rig.attachPod('first', 5, attachAnnotations(5));
    const port = await rig.plugged(5, first.metadata.uid);
    // With the sandbox of the first, which anybody can read.
    await stage.createPod('second', attachAnnotations(5));
    await rig.until(
      async () => (await stage.statusText('second'))?.startsWith('{"default":{"Status":"Error"'),
      'the second pod is told',
    );
    await stage.deletePods('second');
    await rig.says(({ podCount }) => podCount === 1, 'that one pod is left');
    expect(await rig.plugged(5, first.metadata.uid)).toEqual(port);
    expect(await stage.statusText('first')).toBe(readyText);
    await stage.deletePods('first');
  });

  it('keeps its port while its details cannot be read', async () => {
    const { stage } = rig;
    const pod = await rig.attachPod('garbled', 6, attachAnnotations(6));
    const port = await rig.plugged(6, pod.metadata.uid);
    for (const junk of ['[]', '{"default":', '{"default":{"pfId":0}}', '7']) {
      await stage.annotate('garbled', { [annotation.details]: junk });
    }
    await rig.attachPod('after', 7, attachAnnotations(7));
    expect(await rig.plugged(6, pod.metadata.uid)).toEqual(port);
    await stage.deletePods('garbled', 'after');
    await rig.until(async () => (await rig.ports()).length === 0, 'the ports are gone');
  });

  it('keeps what others wrote into the status annotation, character by character', async () => {
    const { stage } = rig;
    const others = '"somebody/else!": { "note" : "kept" }';
    await stage.createPod('shared', { ...attachAnnotations(1), [annotation.status]: `{ ${others} }` });
    await rig.until(async () => (await rig.ports()).includes(representor(1)), 'it is plugged');
    await rig.installFlows(1);
    await rig.statusIs('shared', '{"somebody/else!":{ "note" : "kept" },"default":{"Status":"Ready"}}');
    await stage.annotate('shared', { [annotation.details]: null });
    await rig.statusIs('shared', '{"somebody/else!":{ "note" : "kept" }}');
    await stage.deletePods('shared');
  });

  it('on another node, or in the network of its host, is left alone', async () => {
    const { stage } = rig;
    await stage.create(
      stage.podOf('elsewhere', { node: `${stage.name}-other`, annotations: attachAnnotations(2) }),
      stage.podOf('nowhere', { node: '', annotations: attachAnnotations(3) }),
    );
    await rig.attachPod('here', 4, attachAnnotations(4));
    expect(await rig.ports()).toEqual([representor(4)]);
    expect(await stage.statusText('elsewhere')).toBeUndefined();
    await stage.deletePods('elsewhere', 'nowhere', 'here');
    await rig.until(async () => (await rig.ports()).length === 0, 'the port is gone');
  });
});
