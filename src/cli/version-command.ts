/** `dpuctl version`: of this program, and of the agent where one answers. */

import { NodeService } from '../gen/proto/dpu/agent/v1/node_pb.js';
import { AgentError } from '../lib/errors.js';
import { programVersion } from '../lib/program.js';
import { safeText } from '../lib/text.js';
import type { CtlContext } from './command-spec.js';
import { isForPeople, printData } from './output.js';

/** An agent that is not there is no failure here, and nobody wants to wait for one. */
const answerMsMax = 2_000;

async function agentVersion({ connection, signal }: CtlContext): Promise<string | undefined> {
  try {
    const { node } = await connection.service(NodeService).getNode({}, { signal, deadlineMs: answerMsMax });
    return node?.agent?.version;
  } catch (error) {
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}

export async function version(context: CtlContext): Promise<number> {
  const [own, agent] = [programVersion(), await agentVersion(context)];
  if (!isForPeople(context)) await printData(context, { dpuctl: own, agent: agent ?? null });
  else context.print(`dpuctl ${own}\n${agent === undefined ? '' : `agent ${safeText(agent, 64)}\n`}`);
  return 0;
}
