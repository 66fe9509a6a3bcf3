/** ovs-vswitchd and the memory that it lives in. */

import {
  clear,
  evidenceOf,
  found,
  foundAny,
  given,
  node,
  notTestable,
  seconds,
  vswitchd,
  type OffloadCheck,
  type OffloadFinding,
} from '../check.js';
import type { OffloadFacts, RootFacts } from '../offload-facts.js';
import { hugePageBytes, initState, isInitAsked } from '../preflight.js';

const mib = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)} MiB`;

export const hugePagesThere: OffloadCheck = {
  name: 'huge-pages',
  reasons: ['HugePagesLacking'],
  run: ({ root, hugePages }, { hugePageBytesMin }) =>
    given([root, hugePages], (row, pages) => {
      const isAsked = (['dpdk-init', 'doca-init'] as const).some((key) => isInitAsked(row.otherConfig, key));
      if (!isAsked) return clear;
      const { total, free } = hugePageBytes(pages);
      // Once it is initialised the daemon holds what it needs, and nothing free is how it should be.
      const isShort = initState(row)?.state === 'done' ? total === 0 : total < hugePageBytesMin || free === 0;
      if (!isShort) return clear;
      const sizes = pages.map(({ sizeBytes, total: count, free: left }) => `${sizeBytes / 1_024} kB: ${left}/${count}`);
      return found({
        reason: 'HugePagesLacking',
        subject: node,
        message: `DPDK or DOCA is to be initialised, with ${mib(total)} of huge pages, ${mib(free)} of them free.`,
        evidence: evidenceOf({ total: mib(total), free: mib(free), sizes: sizes.join(', ') || 'none' }),
        remedy: 'Reserve them before ovs-vswitchd starts: doca-hugepages, or nr_hugepages of the size that it uses.',
      });
    }),
};

export const restarts: OffloadCheck = {
  name: 'vswitchd-restarts',
  reasons: ['VswitchdRestarted'],
  run: ({ process, engine }, { restartToldMs }) =>
    given([process], ({ pid, ageMs, isSuccessor }) => {
      if (!isSuccessor || ageMs > restartToldMs) return clear;
      const kind = engine.kind === 'known' ? engine.value.now?.kind : undefined;
      const loss = kind === 'tc' ? 'flows of the kernel stayed' : 'flows of a userspace datapath were lost';
      return found({
        reason: 'VswitchdRestarted',
        subject: vswitchd,
        message: `ovs-vswitchd was restarted ${seconds(ageMs)} s ago: ${loss}, and offload starts anew.`,
        evidence: evidenceOf({ pid, seconds: seconds(ageMs), engine: kind }),
        remedy: 'Nothing, if it was planned; restarts by hand at most once an hour, with the node drained.',
      });
    }),
};

export const crashes: OffloadCheck = {
  name: 'vswitchd-crashes',
  reasons: ['VswitchdCrashed'],
  run: ({ process }) =>
    given([process], ({ crashes: count }) => {
      if (count === undefined) return notTestable('enable-statistics is off, or ovs-vswitchd runs without a monitor');
      if (count === 0) return clear;
      return found({
        reason: 'VswitchdCrashed',
        subject: vswitchd,
        message: `ovs-vswitchd crashed ${count} times since its monitor started.`,
        evidence: evidenceOf({ crashes: count }),
        remedy: 'Keep core dump and log, and report them; see the settings that are known to crash it.',
      });
    }),
};

export const residentGrowth: OffloadCheck = {
  name: 'vswitchd-memory',
  reasons: ['VswitchdMemoryGrowing'],
  run: ({ process }, { residentGrowthBytesPerHourMax, residentWindowMsMin }) =>
    given([process], ({ residentBytes, residentGrowthBytes, residentGrowthMs }) => {
      if (residentBytes === undefined || residentGrowthBytes === undefined || residentGrowthMs === undefined) {
        return notTestable('the memory of ovs-vswitchd is not visible');
      }
      if (residentGrowthMs < residentWindowMsMin) return notTestable('it was not watched for long enough yet');
      const perHour = (residentGrowthBytes * 3_600_000) / residentGrowthMs;
      if (perHour <= residentGrowthBytesPerHourMax) return clear;
      return found({
        reason: 'VswitchdMemoryGrowing',
        subject: vswitchd,
        message: `ovs-vswitchd takes ${mib(residentBytes)} and grew by ${mib(perHour)} an hour.`,
        evidence: evidenceOf({
          resident: mib(residentBytes),
          growth: mib(residentGrowthBytes),
          seconds: seconds(residentGrowthMs),
        }),
        remedy: 'Compare memory/show over time; plan a restart in a maintenance window.',
      });
    }),
};

export const memory: OffloadCheck = {
  name: 'memory',
  reasons: ['MemoryShort'],
  run: ({ memory: fact }, { memoryAvailableBytesMin }) =>
    given([fact], ({ totalBytes, availableBytes, oomKills = 0 }) => {
      const killed = oomKills > 0 ? `; the kernel killed ${oomKills} processes for want of memory` : '';
      if (availableBytes >= memoryAvailableBytesMin && oomKills === 0) return clear;
      return found({
        reason: 'MemoryShort',
        subject: node,
        message: `${mib(availableBytes)} of ${mib(totalBytes)} are available${killed}.`,
        evidence: evidenceOf({ available: mib(availableBytes), total: mib(totalBytes), oom_kill: oomKills }),
        remedy: 'See what takes it (ps --sort=-rss); give ovs-vswitchd an --oom-score (3.6 and newer).',
      });
    }),
};

export const heaps: OffloadCheck = {
  name: 'dpdk-heap',
  reasons: ['DpdkHeapFilling'],
  run: ({ heaps: fact }, { heapFillMax }) =>
    given([fact], (list) => {
      const full = list.filter(({ size, free }) => size > 0 && (size - free) / size >= heapFillMax);
      return foundAny(
        full.map(({ name, size, free }) => ({
          reason: 'DpdkHeapFilling',
          subject: { kind: 'table', name },
          message: `Of the ${mib(size)} that DPDK has reserved, ${mib(free)} are free: the next port or queue may fail.`,
          evidence: evidenceOf({ size: mib(size), free: mib(free) }),
          remedy: 'Reserve more at the next start (huge pages, dpdk-alloc-mem), or fewer queues and descriptors.',
        })),
      );
    }),
};

/** A main thread that has not answered for so long stands still, ms: NVIDIA's build holds it for some 25 s. */
const busyMsMax = 30_000;

function stallOf(coverage: OffloadFacts['coverage'], busyMs: number, longPollsMax: number): readonly OffloadFinding[] {
  const about = { reason: 'MainThreadStalled', subject: vswitchd } as const;
  if (busyMs > busyMsMax) {
    const message = `ovs-vswitchd has had a question for ${seconds(busyMs)} s and has not answered: its main thread stands still.`;
    const remedy =
      'See whether it runs (ps -o stat,wchan) and what its log said last. Do not kill it: flows would be lost.';
    return [{ ...about, message, evidence: evidenceOf({ seconds: seconds(busyMs) }), remedy }];
  }
  const { growth, windowMs } = coverage.kind === 'known' ? coverage.value : { growth: undefined, windowMs: 0 };
  const stalls = growth?.get('long_poll_interval') ?? 0;
  if (stalls <= longPollsMax) return [];
  const message = `The main thread of ovs-vswitchd stood still ${stalls} times in ${seconds(windowMs)} s.`;
  const evidence = evidenceOf({ long_poll_interval: stalls, seconds: seconds(windowMs) });
  return [{ ...about, message, evidence, remedy: 'Look for "Unreasonably long" in its log; dump flows less often.' }];
}

function lagOf({ curCfg, nextCfg, laggedMs }: RootFacts, laggedMsMax: number): readonly OffloadFinding[] {
  if (laggedMs <= laggedMsMax) return [];
  return [
    {
      reason: 'VswitchdLagging',
      subject: vswitchd,
      message: `ovs-vswitchd has not taken the configuration for ${seconds(laggedMs)} s: cur_cfg ${curCfg}, next_cfg ${nextCfg}.`,
      evidence: evidenceOf({ cur_cfg: curCfg, next_cfg: nextCfg }),
      remedy: 'Its log says what it is busy with. Do not kill it: flows would be lost.',
    },
  ];
}

/** `long_poll_interval` counts iterations of a main loop above one second (poll-loop and timeval of Open vSwitch). */
export const mainThread: OffloadCheck = {
  name: 'main-thread',
  reasons: ['MainThreadStalled', 'VswitchdLagging'],
  // A daemon that stands still answers nothing: each sign counts without the others.
  run: ({ coverage, root, busyMs = 0 }, { longPollsMax, laggedMsMax }) => {
    const lags = root.kind === 'known' ? lagOf(root.value, laggedMsMax) : [];
    const findings = [...stallOf(coverage, busyMs, longPollsMax), ...lags];
    return findings.length > 0 ? foundAny(findings) : given([coverage, root], () => clear);
  },
};

export const daemonChecks: readonly OffloadCheck[] = [
  hugePagesThere,
  restarts,
  crashes,
  residentGrowth,
  memory,
  heaps,
  mainThread,
];
