/** One pod, 50 and 200 pods on a switch that has so many ports already; the agent first, then the commands. */
import { atMost, median, ms, quantile, ratio, spread, type Line, type Section } from '../table.js';
import { plugBursts, plugOneByOne, type Sample } from './attach.js';
import { benchPod } from './bench-pods.js';
import type { Effort } from './effort.js';
import { plugByCommands, unplugByCommands } from './peer.js';
import { Stage } from './stage.js';

const oneMsMax = 10;
const burstMsMax = 250;

const kinds = [
  ['rowMs', 'row committed'],
  ['ofportMs', 'ofport > 0'],
  ['readyMs', 'Ready written'],
] as const;

/** Ours, and what the commands take in proportion, at the median. */
function compare(
  what: string,
  ours: readonly Sample[],
  theirs: readonly Sample[],
  rowMsMax: number | undefined,
): Line[] {
  return kinds.map(([key, said]) => {
    const [own, other] = [ours.map((one) => one[key]), theirs.map((one) => one[key])];
    const beside =
      other.length === 0
        ? ''
        : `   ovs-vsctl p50 ${ms(quantile(other, 0.5))} p99 ${ms(quantile(other, 0.99))}: ${ratio(quantile(other, 0.5) / quantile(own, 0.5))}`;
    const p99 = quantile(own, 0.99);
    const line = { what: `${what}: ${said}`, value: spread(own) + beside };
    if (key !== 'rowMs' || rowMsMax === undefined) return line;
    return { ...line, target: atMost(p99, rowMsMax, `p99 under ${rowMsMax} ms`) };
  });
}

async function peerOneByOne(
  stage: Stage,
  pods: ReturnType<typeof benchPod>[],
  count: number,
): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (const pod of pods.slice(0, count)) {
    samples.push(...(await plugByCommands(stage, [pod])));
    await unplugByCommands(stage, [pod]);
  }
  return samples;
}

export async function portsCase(existingCount: number, hasOvn: boolean, effort: Effort): Promise<Section> {
  const pods = Array.from({ length: 200 }, (_unused, index) => benchPod(index + 1));
  await using stage = await Stage.start({ existingCount, hasOvn, pods });
  const agent = await stage.agent();
  const lines: Line[] = [];
  const own: { one: readonly Sample[]; bursts: Map<number, readonly Sample[]>; pauses: Line[] } = {
    one: [],
    bursts: new Map(),
    pauses: [],
  };
  try {
    own.one = await plugOneByOne(stage, pods, effort.oneCount);
    for (const size of effort.burstSizes) {
      const some = pods.slice(0, size);
      await agent.watchPauses();
      const bursts = await plugBursts(stage, some, effort.burstCount);
      const pauseMs = await agent.longestPauseMs();
      own.bursts.set(size, bursts.flat());
      const whole = bursts.map((samples) => Math.max(...samples.map(({ readyMs }) => readyMs)));
      const rounds = bursts.map((samples) =>
        Math.round(
          quantile(
            samples.map(({ rowMs }) => rowMs),
            0.99,
          ),
        ),
      );
      own.pauses.push({ what: `burst of ${size}: last Ready, median of bursts`, value: ms(median(whole)) });
      own.pauses.push({ what: `burst of ${size}: row p99 of each burst`, value: `${rounds.join(' ')} ms` });
      own.pauses.push({ what: `burst of ${size}: longest pause of the event loop`, value: ms(pauseMs) });
    }
  } finally {
    await agent[Symbol.asyncDispose]();
  }
  stage.forget(pods);
  lines.push(
    ...compare('one pod', own.one, await peerOneByOne(stage, pods, effort.peerOneCount), hasOvn ? undefined : oneMsMax),
  );
  for (const size of effort.burstSizes) {
    const some = pods.slice(0, size);
    const theirs = await plugByCommands(stage, some);
    await unplugByCommands(stage, some);
    const isBound = size === 200 && !hasOvn;
    lines.push(...compare(`burst of ${size}`, own.bursts.get(size) ?? [], theirs, isBound ? burstMsMax : undefined));
  }
  return {
    title: `attach: ${existingCount} ports before${hasOvn ? ', real OVN' : ''} (one pod ${effort.oneCount} times, ${effort.burstCount} bursts)`,
    lines: [...lines, ...own.pauses],
  };
}
