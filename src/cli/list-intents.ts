/** All owners' bundles, page by page. */

import { type Intent, IntentService } from '../gen/proto/dpu/agent/v1/intent_pb.js';
import type { CommandContext } from './command-context.js';

/** Sorted by owner. Ends also with a server whose pages do not. */
export async function listIntents(
  connection: CommandContext['connection'],
  signal: AbortSignal,
): Promise<readonly Intent[]> {
  const intents: Intent[] = [];
  for (let pageToken = ''; ;) {
    const page = await connection.service(IntentService).list({ pageToken }, { signal });
    intents.push(...page.intents);
    // Tokens are owners in their order.
    if (page.nextPageToken <= pageToken) return intents;
    pageToken = page.nextPageToken;
  }
}
