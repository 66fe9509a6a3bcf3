/** Words, numbers and marks that the commands about hardware offload share. Pure. */

import { durationMs, type Duration } from '@bufbuild/protobuf/wkt';
import { formatSpan } from '../attach/age-text.js';
import {
  OffloadMeasured_Source,
  OffloadRow_Kind,
  OffloadRow_Verdict,
  OffloadSetting_Verdict,
  OffloadStatus_Engine,
  type FlowTally,
  type OffloadMeasured,
  type OffloadRow,
} from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { safeText } from '../lib/text.js';
import type { RowKind } from './row-kinds.js';

export const engineWords: Readonly<Partial<Record<OffloadStatus_Engine, string>>> = {
  [OffloadStatus_Engine.UNSPECIFIED]: 'unknown',
  [OffloadStatus_Engine.NONE]: 'none',
  [OffloadStatus_Engine.TC]: 'tc',
  [OffloadStatus_Engine.DPDK]: 'dpdk',
  [OffloadStatus_Engine.DOCA]: 'doca',
  [OffloadStatus_Engine.USERSPACE]: 'userspace',
};

export const settingWords: Readonly<Partial<Record<OffloadSetting_Verdict, string>>> = {
  [OffloadSetting_Verdict.IN_EFFECT]: 'in effect',
  [OffloadSetting_Verdict.APPLY_LIVE]: 'to be written',
  [OffloadSetting_Verdict.STAGED]: 'staged',
  [OffloadSetting_Verdict.RESTART_REQUIRED]: 'restart required',
  [OffloadSetting_Verdict.DANGEROUS]: 'dangerous',
  [OffloadSetting_Verdict.INVALID]: 'invalid',
  [OffloadSetting_Verdict.UNKNOWN]: 'unknown',
};

const kindWords: Readonly<Partial<Record<OffloadRow_Kind, RowKind>>> = {
  [OffloadRow_Kind.PORT]: 'port',
  [OffloadRow_Kind.ATTACHMENT]: 'pod',
  [OffloadRow_Kind.CHAIN]: 'chain',
};

/** Undefined for a kind of a newer agent. */
export const kindOf = ({ kind }: OffloadRow): RowKind | undefined => kindWords[kind];

export const verdictWords: Readonly<Partial<Record<OffloadRow_Verdict, string>>> = {
  [OffloadRow_Verdict.UNKNOWN]: 'unknown',
  [OffloadRow_Verdict.SOFTWARE]: 'software',
  [OffloadRow_Verdict.HARDWARE]: 'hardware',
  [OffloadRow_Verdict.PARTIAL]: 'partial',
};

export const verdictWord = ({ verdict }: Pick<OffloadRow, 'verdict'>): string => verdictWords[verdict] ?? 'unknown';

/** The network of a pod's row: what its key has behind the pod; empty for other rows. */
export function networkOf(row: Pick<OffloadRow, 'kind' | 'key' | 'name'>): string {
  const start = `attachment/${row.name}/`;
  return row.kind === OffloadRow_Kind.ATTACHMENT && row.key.startsWith(start) ? row.key.slice(start.length) : '';
}

/** The name of a row for a person; of a pod with its network where it is not the default one. */
export function rowName(row: OffloadRow): string {
  const network = networkOf(row);
  return safeText(network === '' || network === 'default' ? row.name : `${row.name} ${network}`, 600);
}

/** `99.0 %`; never 100 % of what is not whole, nor 0 % of what is something; `-` where it is not known. */
export function percent(share: number | undefined): string {
  if (share === undefined) return '-';
  const shown = (share * 100).toFixed(1);
  if (share < 1 && shown === '100.0') return '99.9 %';
  return share > 0 && shown === '0.0' ? '0.1 %' : `${shown} %`;
}

/** A part of a whole, 0 to 1; undefined where there is no whole. */
export const partOf = (part: bigint, whole: bigint): number | undefined =>
  whole > 0n ? Number(part) / Number(whole) : undefined;

const steps = ['', 'k', 'M', 'G', 'T', 'P'];

/** `0`, `999`, `12.3k`, `1.25M`: decimal steps, three digits; `-` for what is not known. */
export function count(value: bigint | number | undefined): string {
  if (value === undefined) return '-';
  let rest = Number(value);
  let step = 0;
  while (rest >= 999.5 && step < steps.length - 1) {
    rest /= 1_000;
    step += 1;
  }
  return `${rest === 0 ? '0' : String(Number(rest.toPrecision(3)))}${steps[step] ?? ''}`;
}

/** `35 ms`, `1.5 s`, `10 s`; `-` for what is not known. */
export function lapse(duration: Duration | undefined): string {
  if (duration === undefined) return '-';
  const ms = durationMs(duration);
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : formatSpan(ms);
}

/** Text of the agent for a person. */
export const sentence = (text: string): string => safeText(text, 1_000);

/** Names in a line, the first ones. */
export function names(list: readonly string[], countMax = 8): string {
  const shown = list.slice(0, countMax).map((name) => safeText(name, 64));
  return list.length > countMax ? `${shown.join(', ')} and ${list.length - countMax} more` : shown.join(', ');
}

const noFlows: Pick<FlowTally, 'flows' | 'packets'> = { flows: 0n, packets: 0n };

/** What a row says of its flows in software, as of the newest dump. */
export const softwareFlowsOf = (measured: OffloadMeasured | undefined): Pick<FlowTally, 'flows' | 'packets'> =>
  measured?.softwareFlows ?? noFlows;

/** What a verdict rests on, in a few words. */
export function sourceWord(measured: OffloadMeasured | undefined): string {
  switch (measured?.source) {
    case OffloadMeasured_Source.COUNTERS:
      return 'counters';
    case OffloadMeasured_Source.FLOWS:
      return 'flows';
    default:
      return '-';
  }
}

/** Software packets a second, by the counters of the port over their window; undefined: nobody counts them. */
export function softwareRate(measured: OffloadMeasured | undefined): number | undefined {
  const { softwarePackets, window } = measured ?? {};
  if (softwarePackets === undefined || window === undefined) return undefined;
  const ms = durationMs(window);
  return ms > 0 ? (Number(softwarePackets) * 1_000) / ms : undefined;
}
