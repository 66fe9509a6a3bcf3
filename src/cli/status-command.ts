/** `dpuctl status`: one screen: is the agent alive, is all right, and what hurts. */

import { JournalService, type JournalEntry } from '../gen/proto/dpu/agent/v1/journal_pb.js';
import { GetStatusResponseSchema, NodeService, type Node } from '../gen/proto/dpu/agent/v1/node_pb.js';
import { OffloadService, type OffloadStatus } from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { AgentError } from '../lib/errors.js';
import { exitNotReady } from './command-context.js';
import type { CtlContext } from './command-spec.js';
import { decodeJournalEntry, decodeStatus } from './decode.js';
import { offloadSummary } from './offload-status-text.js';
import { isForPeople, printMessage } from './output.js';
import { paintStates } from './paint.js';
import { formatScreen } from './status-screen.js';

const changesShown = 5;

interface Details {
  readonly node: Node | undefined;
  readonly entries: readonly JournalEntry[];
  readonly offload: OffloadStatus | undefined;
}

/** An agent that cannot say anything of offload is no reason to show no status. */
async function askOffload({ connection, signal }: CtlContext): Promise<OffloadStatus | undefined> {
  try {
    return (await connection.service(OffloadService).getOffloadStatus({}, { signal })).status;
  } catch (error) {
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}

async function details(context: CtlContext): Promise<Details> {
  const { connection, signal } = context;
  const [{ node }, { entries }, offload] = await Promise.all([
    connection.service(NodeService).getNode({}, { signal }),
    connection.service(JournalService).listEntries({ pageSize: changesShown }, { signal }),
    askOffload(context),
  ]);
  return { node, entries, offload };
}

const noDetails: Details = { node: undefined, entries: [], offload: undefined };

export async function status(context: CtlContext): Promise<number> {
  const { connection, signal, clock } = context;
  // All at once: an answer costs less than the way to it.
  const [answer, { node, entries, offload }] = await Promise.all([
    connection.service(NodeService).getStatus({}, { signal }),
    isForPeople(context) ? details(context) : noDetails,
  ]);
  const { status: message } = answer;
  if (!isForPeople(context)) await printMessage(context, GetStatusResponseSchema, answer);
  else if (message === undefined) context.print('The agent has not looked yet.\n');
  else {
    const text = formatScreen({
      status: decodeStatus(message),
      node,
      offload: offload === undefined ? undefined : offloadSummary(offload),
      journal: entries.map(decodeJournalEntry),
      isWide: context.format === 'wide',
      nowWallMs: clock.wallMs(),
    });
    context.print(paintStates(text, context.paint));
  }
  return message?.isReady === true ? 0 : exitNotReady;
}
