/** `dpuctl status`: one screen: is the agent alive, is all right, and what hurts. */

import { JournalService, type JournalEntry } from '../gen/proto/dpu/agent/v1/journal_pb.js';
import { GetStatusResponseSchema, NodeService, type Node } from '../gen/proto/dpu/agent/v1/node_pb.js';
import { exitNotReady } from './command-context.js';
import type { CtlContext } from './command-spec.js';
import { decodeJournalEntry, decodeStatus } from './decode.js';
import { isForPeople, printMessage } from './output.js';
import { paintStates } from './paint.js';
import { formatScreen } from './status-screen.js';

const changesShown = 5;

async function details({ connection, signal }: CtlContext): Promise<{
  readonly node: Node | undefined;
  readonly entries: readonly JournalEntry[];
}> {
  const [{ node }, { entries }] = await Promise.all([
    connection.service(NodeService).getNode({}, { signal }),
    connection.service(JournalService).listEntries({ pageSize: changesShown }, { signal }),
  ]);
  return { node, entries };
}

export async function status(context: CtlContext): Promise<number> {
  const { connection, signal, clock } = context;
  // All at once: an answer costs less than the way to it.
  const [answer, { node, entries }] = await Promise.all([
    connection.service(NodeService).getStatus({}, { signal }),
    isForPeople(context) ? details(context) : { node: undefined, entries: [] },
  ]);
  const { status: message } = answer;
  if (!isForPeople(context)) await printMessage(context, GetStatusResponseSchema, answer);
  else if (message === undefined) context.print('The agent has not looked yet.\n');
  else {
    const text = formatScreen({
      status: decodeStatus(message),
      node,
      journal: entries.map(decodeJournalEntry),
      isWide: context.format === 'wide',
      nowWallMs: clock.wallMs(),
    });
    context.print(paintStates(text, context.paint));
  }
  return message?.isReady === true ? 0 : exitNotReady;
}
