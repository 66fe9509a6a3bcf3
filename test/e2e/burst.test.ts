/** Many pods at once, other writers on the same pods, and an agent that dies, stops or sleeps in the middle. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentRig, readyText } from './agent-rig.js';
import { annotation, attachAnnotations, representor, sandboxOf } from './kube-object.js';
import { contentTypes } from './raw-api.js';

const podCount = 30;

/** Pods with the given functions, made by one call of kubectl. */
async function createPods(rig: AgentRig, prefix: string, vfs: readonly number[]): Promise<readonly string[]> {
  const pods = vfs.map((vf) => rig.stage.podOf(`${prefix}-${vf}`, { annotations: attachAnnotations(vf) }));
  await rig.stage.create(...pods);
  return pods.map(({ metadata }) => metadata.name);
}

/** Plays ovn-controller until all these pods say Ready. */
async function allReady(rig: AgentRig, names: readonly string[]): Promise<void> {
  await rig.until(
    async () => {
      await rig.installMissingFlows();
      const { items } = await rig.stage.api.list(rig.stage.podsPath);
      const ready = items.filter(({ metadata }) => metadata.annotations?.[annotation.status] === readyText);
      const readyNames = new Set(ready.map(({ metadata }) => metadata.name));
      return names.every((name) => readyNames.has(name));
    },
    `${names.length} pods are ready`,
    60_000,
  );
}

async function nothingPlugged(rig: AgentRig): Promise<void> {
  await rig.until(async () => (await rig.ports()).length === 0, 'no port is left');
}

const functions = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('many pods', () => {
  let rig: AgentRig;
  beforeAll(async () => {
    rig = await AgentRig.open({ vfCount: podCount });
    await rig.startAgent();
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
  });

  it('that come at once are all plugged and told, each to its own function, and go without a trace', async () => {
    const names = await createPods(rig, 'many', functions(podCount));
    await allReady(rig, names);
    const { items } = await rig.stage.api.list(rig.stage.podsPath);
    const interfaces = await rig.interfaces();
    for (const { metadata } of items) {
      const seen = interfaces.get(representor(Number(metadata.name.split('-')[1])));
      expect(seen?.externalIds).toMatchObject({ 'iface-id-ver': metadata.uid });
    }
    expect(interfaces.size).toBe(podCount);
    await rig.stage.deletePods(...names);
    await nothingPlugged(rig);
  });

  it('are all told while somebody else annotates them without a pause, and lose none of his notes', async () => {
    const { stage } = rig;
    const names = functions(10).map((vf) => `busy-${vf}`);
    await createPods(rig, 'busy', functions(10));
    const stop = new AbortController();
    let notes = 0;
    /** What the real kubectl does, with a process for each round. */
    const annotating = (async () => {
      for (let round = 1; !stop.signal.aborted; round += 1) {
        await stage.admin.run(['annotate', 'pods', '--all', '-n', stage.name, '--overwrite', `e2e/kubectl=${round}`]);
        notes = round;
      }
    })();
    /** As fast as the server answers: also through the subresource that the agent writes to. */
    const hammering = names.map(async (name) => {
      for (let round = 1; !stop.signal.aborted; round += 1) await stage.annotate(name, { 'e2e/hammer': String(round) });
    });
    try {
      await allReady(rig, names);
      const told = notes;
      await rig.until(() => Promise.resolve(notes > told + 1), 'the pods are annotated further');
    } finally {
      stop.abort();
      await Promise.all([annotating, ...hammering]);
    }
    const { items } = await stage.api.list(stage.podsPath);
    for (const { metadata } of items) {
      expect(metadata.annotations).toMatchObject({
        [annotation.status]: readyText,
        'e2e/kubectl': String(notes),
        'e2e/hammer': expect.stringMatching(/^\d+$/) as unknown,
      });
    }
    const status = await rig.says(({ statuses }) => statuses.inFlight === 0, 'that no write is under way');
    expect(status.attach?.statuses.failed).toBe(0);
    await stage.deletePods(...names);
    await nothingPlugged(rig);
  });

  it('never get the status of a former pod with their name', async () => {
    const { stage } = rig;
    const watch = stage.api.watch(stage.podsPath, {});
    for (let round = 0; round < 5; round += 1) {
      const former = await stage.createPod('phoenix', attachAnnotations(1));
      await rig.plugged(1, former.metadata.uid);
      // While the agent sleeps, all that Ready needs comes true, and the pod is replaced by another of its name.
      process.kill(rig.agent.pid ?? 0, 'SIGSTOP');
      try {
        await rig.installFlows(1);
        await stage.deletePods('phoenix');
        await stage.createPod('phoenix', { 'e2e/round': String(round) });
      } finally {
        process.kill(rig.agent.pid ?? 0, 'SIGCONT');
      }
      await nothingPlugged(rig);
      // A later pod that is ready proves that the agent has had its time.
      await rig.attachPod('witness', 2, attachAnnotations(2));
      await stage.deletePods('phoenix', 'witness');
    }
    await nothingPlugged(rig);
    const wrong = watch.events.filter(({ object: { metadata } }) => {
      const { annotations = {} } = metadata;
      return annotations['e2e/round'] !== undefined && annotations[annotation.status] !== undefined;
    });
    expect(watch.events.filter(({ type }) => type === 'DELETED').length).toBeGreaterThanOrEqual(14);
    expect(wrong).toEqual([]);
    await watch[Symbol.asyncDispose]();
  });
});

describe('an agent that ends', () => {
  let rig: AgentRig;
  beforeAll(async () => {
    rig = await AgentRig.open({ vfCount: 12 });
    await rig.startAgent({ goneGraceMs: 1_000 });
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
  });

  it('by a signal leaves ports, statuses and lease as they are, and takes them up again', async () => {
    const { stage } = rig;
    const names = await createPods(rig, 'kept', functions(3));
    await allReady(rig, names);
    await rig.says(({ lease }) => lease.kind === 'held', 'that it holds the lease');
    await rig.agent.stop();
    const [ports, lease, pods] = [await rig.interfaces(), await stage.lease(), await stage.api.list(stage.podsPath)];
    expect([...ports.keys()].sort()).toEqual(functions(3).map(representor));
    expect(lease?.spec?.['holderIdentity']).toBe('ovnkube-dpu-node');
    rig.agent.start();
    await rig.until(async () => {
      const renewed = (await stage.lease())?.spec?.['renewTime'];
      return renewed !== undefined && renewed !== lease?.spec?.['renewTime'];
    }, 'the lease is renewed again');
    await createPods(rig, 'next', [4]);
    await allReady(rig, ['next-4']);
    await stage.deletePods('next-4');
    await rig.until(async () => (await rig.ports()).length === 3, 'the later port is gone');
    expect(await rig.interfaces()).toEqual(ports);
    const versions = (items: typeof pods.items): readonly unknown[] =>
      items.map(({ metadata }) => metadata.annotations).sort();
    expect(versions((await stage.api.list(stage.podsPath)).items)).toEqual(versions(pods.items));
    await stage.deletePods(...names);
    await nothingPlugged(rig);
  });

  it('by SIGKILL in the middle of a burst loses nothing and leaves nothing behind', async () => {
    const { stage } = rig;
    const creating = createPods(rig, 'burst', functions(12));
    await rig.until(async () => (await rig.ports()).length > 0, 'the first ports are there');
    await rig.agent.kill();
    const names = await creating;
    const before = await rig.interfaces();
    // While nobody looks: one goes, one has another sandbox.
    await stage.deletePods('burst-1');
    const details = JSON.parse(attachAnnotations(2, sandboxOf(3_000))[annotation.details] ?? '') as unknown;
    await stage.annotate('burst-2', { [annotation.details]: JSON.stringify(details) });
    rig.agent.start();
    const alive = names.filter((name) => name !== 'burst-1');
    await allReady(rig, alive);
    await rig.until(async () => !(await rig.ports()).includes(representor(1)), 'the port of the deleted pod is gone');
    const after = await rig.interfaces();
    expect(after.get(representor(2))?.externalIds['sandbox']).toBe(sandboxOf(3_000));
    for (const [name, { uuid }] of before) {
      if (name !== representor(1) && name !== representor(2)) expect(after.get(name)?.uuid).toBe(uuid);
    }
    await stage.deletePods(...alive);
    await nothingPlugged(rig);
  });

  it('takes no notice of a patch that names another incarnation', async () => {
    const { stage } = rig;
    const former = await stage.createPod('guarded');
    await stage.deletePods('guarded');
    await stage.createPod('guarded', { 'e2e/kept': 'yes' });
    const path = `${stage.podPath('guarded')}/status`;
    const pointer = `/metadata/annotations/${annotation.status.replaceAll('/', '~1')}`;
    const patch = [
      { op: 'test', path: '/metadata/uid', value: former.metadata.uid },
      { op: 'add', path: pointer, value: readyText },
    ];
    expect(await stage.api.refusal('PATCH', path, patch, contentTypes.jsonPatch)).toEqual([422, 'Invalid']);
    expect((await stage.pod('guarded'))?.metadata.annotations).toEqual({ 'e2e/kept': 'yes' });
    await stage.deletePods('guarded');
  });
});
