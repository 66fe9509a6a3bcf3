/** One pod at a time, and many at once, plugged by the agent: how long until the row, the number, and the word to the pod. */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { attachAnnotations, type BenchPod } from './bench-pods.js';
import type { Stage } from './stage.js';

/** Of one pod, since its annotation was written, ms. */
export interface Sample {
  readonly rowMs: number;
  readonly ofportMs: number;
  readonly readyMs: number;
}

/** Writes the annotations of all pods, as fast as the cluster takes them, and waits for all to be told. */
async function plug(stage: Stage, pods: readonly BenchPod[]): Promise<readonly Sample[]> {
  const { rows, statuses } = stage;
  const begunMs = new Map<string, number>();
  for (const pod of pods) {
    begunMs.set(pod.name, performance.now());
    stage.annotate(pod, attachAnnotations(pod, stage.nextSandbox()));
    // The server and the witnesses live in this process too.
    if (pods.length > 1) await turn();
  }
  await statuses.waiters.until(() => pods.every(({ name }) => statuses.readyMs.has(name)), 'all pods are ready');
  return pods.map(({ name, device }) => {
    const sinceMs = begunMs.get(name) ?? NaN;
    const times = rows.rows.get(device);
    return {
      rowMs: (times?.rowMs ?? NaN) - sinceMs,
      ofportMs: (times?.ofportMs ?? NaN) - sinceMs,
      readyMs: (statuses.readyMs.get(name) ?? NaN) - sinceMs,
    };
  });
}

/** Pods that come alone. */
export async function plugOneByOne(stage: Stage, pods: readonly BenchPod[], count: number): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const warmUpCount = 5;
  for (let round = 0; round < count + warmUpCount; round += 1) {
    const pod = pods[(round * 7) % pods.length];
    if (pod === undefined) throw new Error('there are no pods');
    const taken = await plug(stage, [pod]);
    // The first turns warm up what was just started.
    if (round >= warmUpCount) samples.push(...taken);
    await sleep((round % 7) * 3);
    await stage.detach([pod]);
  }
  return samples;
}

/** Pods that come together, `count` times. */
export async function plugBursts(
  stage: Stage,
  pods: readonly BenchPod[],
  count: number,
): Promise<readonly (readonly Sample[])[]> {
  const bursts: (readonly Sample[])[] = [];
  for (let round = 0; round < count; round += 1) {
    bursts.push(await plug(stage, pods));
    await stage.settle();
    await stage.detach(pods);
    await stage.settle(300);
  }
  return bursts;
}
