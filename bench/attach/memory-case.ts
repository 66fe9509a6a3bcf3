/** What the agent's process occupies with a thousand pods on its node, some or all of them attached. */
import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, megabytes, type Line, type Section } from '../table.js';
import { attachAnnotations, benchPod } from './bench-pods.js';
import { Stage } from './stage.js';

const bytesMax = 120 * 2 ** 20;
const podCount = 1000;
const readyMsMax = 120_000;
/** As the image and the unit give them to node. */
const tightFlags = ['--max-semi-space-size=2', '--max-old-space-size=96'];

async function measure(attachedCount: number, flags: readonly string[], what: string): Promise<readonly Line[]> {
  const pods = Array.from({ length: podCount }, (_unused, index) => benchPod(index + 1));
  await using stage = await Stage.start({ pods });
  await using agent = await stage.agent({ flags, hasProbe: false });
  const listed = await agent.memory();
  const some = pods.slice(0, attachedCount);
  for (const pod of some) {
    stage.annotate(pod, attachAnnotations(pod, stage.nextSandbox()));
    await sleep(0);
  }
  const { statuses } = stage;
  await statuses.waiters
    .until(() => some.every(({ name }) => statuses.readyMs.has(name)), 'all are ready', readyMsMax)
    .catch(async (cause: unknown) => {
      throw new Error(await agent.words(), { cause });
    });
  await sleep(5_000);
  const { rssBytes, peakBytes } = await agent.memory();
  const target = atMost(rssBytes, bytesMax, 'under 120 MB');
  const peak = `(${megabytes(peakBytes)} at most ever, ${megabytes(listed.rssBytes)} before)`;
  return [
    { what: `${podCount} pods, ${attachedCount} attached, ${what}`, value: `${megabytes(rssBytes)} ${peak}`, target },
  ];
}

export async function memoryCase(): Promise<Section> {
  const lines: Line[] = [];
  for (const count of [200, podCount]) {
    lines.push(...(await measure(count, [], 'no flags')));
    lines.push(...(await measure(count, tightFlags, tightFlags.join(' '))));
  }
  return { title: 'attach: resident memory of the agent', lines };
}
