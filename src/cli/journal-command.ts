/** `dpuctl journal`: the newest changes, and with -f those to come. */

import { JournalService, ListEntriesResponseSchema } from '../gen/proto/dpu/agent/v1/journal_pb.js';
import { parseCount } from './command-line.js';
import type { CommandInput, CtlContext } from './command-spec.js';
import { decodeJournalEntry } from './decode.js';
import { isForPeople, printMessage } from './output.js';
import { formatJournalEntry } from './status-text.js';

const tailDefault = 20;
const tailMax = 1_000;

export async function journal(context: CtlContext, { options }: CommandInput): Promise<number> {
  const given = options['tail'];
  const tail = typeof given === 'string' ? parseCount('tail', given, 1, tailMax) : tailDefault;
  if (options['follow'] === true) {
    const { watchJournal } = await import('./watch-command.js');
    return watchJournal(context, { tail });
  }
  const { connection, signal } = context;
  const answer = await connection.service(JournalService).listEntries({ pageSize: tail }, { signal });
  if (!isForPeople(context)) await printMessage(context, ListEntriesResponseSchema, answer);
  for (const entry of isForPeople(context) ? answer.entries.map(decodeJournalEntry) : []) {
    context.print(formatJournalEntry(entry));
    if (context.format !== 'wide') continue;
    for (const line of entry.details) context.print(`    ${line}\n`);
    context.print(`    on behalf of ${entry.actor}\n`);
  }
  return 0;
}
