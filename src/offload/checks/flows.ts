/** Flows on their way into hardware, and what keeps them out. */

import { safeText } from '../../lib/text.js';
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
import type { CoverageFacts, OffloadFacts } from '../offload-facts.js';

/** The counters of the list that grew, with their growth. */
function grown({ growth }: CoverageFacts, names: readonly string[]): Readonly<Record<string, string>> {
  return evidenceOf(
    Object.fromEntries(names.flatMap((name) => ((growth.get(name) ?? 0) > 0 ? [[name, growth.get(name)]] : []))),
  );
}

const words = (evidence: Readonly<Record<string, string>>): string =>
  Object.entries(evidence)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

/** Why nobody expects hardware to carry anything; undefined: somebody does, or it is not known. */
function noOffload({ engine, settings }: OffloadFacts): string | undefined {
  const now = engine.kind === 'known' ? engine.value.now?.kind : undefined;
  if (now === 'none') return 'no engine here can offload';
  const key = settings.kind === 'known' ? settings.value.find((one) => one.key === 'hw-offload') : undefined;
  if (key === undefined) return undefined;
  const inEffect = key.effective.kind === 'known' ? key.effective.value : undefined;
  const isWanted = [key.declared, key.stored, inEffect].some((value) => value?.toLowerCase() === 'true');
  return isWanted ? undefined : 'offload is neither declared, stored nor in effect';
}

export const ratio: OffloadCheck = {
  name: 'offload-ratio',
  reasons: ['OffloadRatioLow'],
  run: (facts, { ratioMin, ratioPacketsMin }) =>
    given([facts.traffic], ({ packets, hardwarePackets, windowMs, softwareFlows }) => {
      const needless = noOffload(facts);
      if (needless !== undefined) return notTestable(needless);
      if (packets < ratioPacketsMin) return notTestable(`only ${packets} packets in ${seconds(windowMs)} s`);
      const share = hardwarePackets / packets;
      if (share >= ratioMin) return clear;
      const [top] = [...softwareFlows].sort((a, b) => b[1] - a[1]);
      const why = top === undefined ? '' : ` Most flows in software: ${safeText(top[0], 64)}.`;
      return found({
        reason: 'OffloadRatioLow',
        subject: node,
        message: `${(share * 100).toFixed(1)} % of ${packets} packets were processed in hardware.${why}`,
        evidence: evidenceOf({ packets, hardwarePackets, seconds: seconds(windowMs), reason: top?.[0] }),
        remedy: 'See dpuctl offload why. Do not delete flows: they come back the same.',
      });
    }),
};

/**
 * The limit in effect starts at 10 000 and grows with need alone, so its size says nothing; what it did to flows does
 * (ofproto-dpif-upcall.c). `_reduced` alone is the mechanism at work.
 */
export const flowLimit: OffloadCheck = {
  name: 'flow-limit',
  reasons: ['FlowLimitCollapsed'],
  run: ({ coverage, upcalls }) =>
    given([coverage], (window) => {
      const evidence = grown(window, ['upcall_flow_limit_hit', 'upcall_flow_limit_kill', 'upcall_flow_limit_scaled']);
      if (Object.keys(evidence).length === 0) return clear;
      const fullest = upcalls.kind === 'known' ? [...upcalls.value].sort((a, b) => b.flows - a.flows)[0] : undefined;
      const now = fullest === undefined ? '' : `: ${fullest.flows} flows, limit ${fullest.flowLimit} now`;
      return found({
        reason: 'FlowLimitCollapsed',
        subject: { kind: 'datapath', name: fullest?.name ?? '' },
        message: `The limit of flows was felt in the last ${seconds(window.windowMs)} s (${words(evidence)})${now}.`,
        evidence: {
          ...evidence,
          ...evidenceOf({ flows: fullest?.flows, limit: fullest?.flowLimit, dumpMs: fullest?.dumpMs }),
        },
        remedy: 'Raise max-revalidator and max-idle (both live), and dump flows less often. Do not purge.',
      });
    }),
};

/** Counters of NVIDIA's build. */
const insertionCounters = [
  'doca_pipe_resize_over_10_ms',
  'doca_resize_block',
  'doca_async_queue_full',
  'doca_async_queue_blocked',
  'doca_async_add_failed',
];

export const insertion: OffloadCheck = {
  name: 'insertion',
  reasons: ['InsertionStalled'],
  run: ({ coverage, insertion: fact }) => {
    if (coverage.kind === 'unknown' && fact.kind === 'unknown') return notTestable(coverage.why);
    const counters = coverage.kind === 'known' ? grown(coverage.value, insertionCounters) : {};
    // More wait and no more are in: deletes may hide inserts, so one without the other says nothing.
    const isBackedUp =
      fact.kind === 'known' &&
      fact.value.enqueued > fact.value.enqueuedBefore &&
      fact.value.enqueuedBefore > 0 &&
      fact.value.inserted <= fact.value.insertedBefore;
    if (Object.keys(counters).length === 0 && !isBackedUp) return clear;
    const waiting = fact.kind === 'known' ? { enqueued: fact.value.enqueued, inserted: fact.value.inserted } : {};
    const backlog = isBackedUp ? `${fact.value.enqueued} flows wait and none was inserted` : '';
    return found({
      reason: 'InsertionStalled',
      subject: vswitchd,
      message: `Flows do not get into hardware: ${[backlog, words(counters)].filter((text) => text !== '').join('; ')}.`,
      evidence: { ...counters, ...evidenceOf(waiting) },
      remedy: 'Set ctl-pipe-size (live), and doca-congestion-threshold for the next start.',
    });
  },
};

export const connections: OffloadCheck = {
  name: 'connections',
  reasons: ['ConntrackFilling'],
  run: ({ connections: fact, coverage }, { connectionsFillMax }) => {
    if (fact.kind === 'unknown' && coverage.kind === 'unknown') return notTestable(fact.why);
    const about = {
      reason: 'ConntrackFilling',
      remedy: 'Find what opens so many; set a larger hw-offload-ct-size for the next start.',
    } as const;
    const tables = fact.kind === 'known' ? fact.value : [];
    const findings: OffloadFinding[] = tables
      .filter(({ count, limit }) => limit > 0 && count / limit >= connectionsFillMax)
      .map(({ table, count, limit }) => ({
        ...about,
        subject: { kind: 'table', name: table },
        message: `${safeText(table)} holds ${count} of at most ${limit} connections.`,
        evidence: evidenceOf({ count, limit }),
      }));
    const full = coverage.kind === 'known' ? grown(coverage.value, ['conntrack_full', 'conntrack_zone_full']) : {};
    if (Object.keys(full).length > 0) {
      const message = `Connections were refused, for the table or a zone of ovs-vswitchd is full (${words(full)}).`;
      findings.push({ ...about, subject: vswitchd, message, evidence: full });
    }
    return foundAny(findings);
  },
};

export const connectionKinds: OffloadCheck = {
  name: 'connection-kinds',
  reasons: ['ConntrackSoftware'],
  run: ({ traffic, root }) =>
    given([traffic, root], ({ softwareFlows }, { otherConfig }) => {
      const flows = softwareFlows.get('ct_ipv6_disabled') ?? 0;
      if (flows === 0) return clear;
      return found({
        reason: 'ConntrackSoftware',
        subject: node,
        message: `${flows} flows of IPv6 connections stay in software, for their tracking is not offloaded.`,
        evidence: evidenceOf({
          flows,
          'hw-offload-ct-ipv6-enabled': otherConfig.get('hw-offload-ct-ipv6-enabled') ?? 'absent',
        }),
        remedy: 'Set hw-offload-ct-ipv6-enabled=true before the next start; ICMP and helpers stay in software.',
      });
    }),
};

export const patterns: OffloadCheck = {
  name: 'flow-patterns',
  reasons: ['FlowPatternSoftware'],
  run: ({ traffic }) =>
    given([traffic], ({ patterns: counts }) => {
      const seen = [...counts].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
      return foundAny(
        seen.map(([pattern, count]) => ({
          reason: 'FlowPatternSoftware',
          subject: { kind: 'datapath', name: '' },
          message: `${count} flows stay in software for ${safeText(pattern, 64)}.`,
          evidence: evidenceOf({ pattern, flows: count }),
          remedy:
            'Name the rule with ofproto/detrace, and have it changed where it is made (OVN: gateway MTU check, NAT).',
        })),
      );
    }),
};

export const marks: OffloadCheck = {
  name: 'flow-marks',
  reasons: ['FlowMarksInvalid'],
  run: ({ coverage, logLines }) => {
    if (coverage.kind === 'unknown' && logLines.kind === 'unknown') return notTestable(logLines.why);
    const counters =
      coverage.kind === 'known' ? grown(coverage.value, ['ovs_doca_no_mark', 'netdev_doca_rx_drop_no_mark']) : {};
    const lines = logLines.kind === 'known' ? logLines.value : [];
    const line = lines.findLast((text) => text.includes('associated to an invalid partially offloaded flow'));
    if (Object.keys(counters).length === 0 && line === undefined) return clear;
    return found({
      reason: 'FlowMarksInvalid',
      subject: vswitchd,
      message: 'ovs-vswitchd receives packets with marks of flows that it does not have any more.',
      evidence: { ...counters, ...evidenceOf({ log: line }) },
      remedy: 'Report it with the log; it is a known issue (4868013) of some releases.',
    });
  },
};

export const flowChecks: readonly OffloadCheck[] = [
  ratio,
  flowLimit,
  insertion,
  connections,
  connectionKinds,
  patterns,
  marks,
];
