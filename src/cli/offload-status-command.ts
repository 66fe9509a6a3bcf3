/** `dpuctl offload status`: what is configured, what is in effect, what is wrong, and what looking at it costs. */

import {
  GetOffloadStatusResponseSchema,
  OffloadService,
  OffloadSetting_Verdict,
  type OffloadStatus,
} from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { exitNotReady } from './command-context.js';
import type { CommandInput, CtlContext } from './command-spec.js';
import { formatOffloadStatus } from './offload-status-text.js';
import { isForPeople, printMessage } from './output.js';

const wrongVerdicts: ReadonlySet<OffloadSetting_Verdict> = new Set([
  OffloadSetting_Verdict.RESTART_REQUIRED,
  OffloadSetting_Verdict.DANGEROUS,
  OffloadSetting_Verdict.INVALID,
]);

/** Nothing waits, nothing was found, and what is configured is not seen to be out of effect. */
export function isAllWell({ isConfigured, isInEffect, waiting, supervision }: OffloadStatus): boolean {
  if (waiting !== '' || (isConfigured && isInEffect === false)) return false;
  if (supervision === undefined) return true;
  const { settings, restart, findings } = supervision;
  return findings.length === 0 && restart === undefined && settings.every(({ verdict }) => !wrongVerdicts.has(verdict));
}

export async function offloadStatus(context: CtlContext, { options }: CommandInput): Promise<number> {
  const { connection, signal, clock, format } = context;
  const answer = await connection.service(OffloadService).getOffloadStatus({}, { signal });
  const { status } = answer;
  if (!isForPeople(context)) await printMessage(context, GetOffloadStatusResponseSchema, answer);
  else if (status !== undefined) {
    const isWide = format === 'wide';
    const hasChecks = options['checks'] === true;
    context.print(formatOffloadStatus({ status, isWide, hasChecks, nowWallMs: clock.wallMs() }));
  }
  return status !== undefined && isAllWell(status) ? 0 : exitNotReady;
}
