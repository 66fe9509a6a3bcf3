/** Reads what the agent shows of the host cluster's pods in its run directory. The status beside it says how fresh it is. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentStatus, AttachStatus } from '../agent/status.js';
import type { PodFacts } from '../attach/attachment-view.js';
import { AgentError, systemErrorCode } from '../lib/errors.js';

/** What the agent's file of the pods holds. */
export interface PodsContent {
  /** Milliseconds since 1970 UTC at which it was made; it is not made anew while nothing changes. */
  readonly wallMs: number;
  readonly nodeName?: string | undefined;
  readonly pods: readonly PodFacts[];
}

/** What the loop of the pods says. @throws AgentError NOT_CONNECTED when the agent has no such loop */
export function attachOf({ attach }: AgentStatus): AttachStatus {
  if (attach !== undefined) return attach;
  throw new AgentError('NOT_CONNECTED', 'the agent does not look at the pods of a host cluster', {
    remedy: 'Set hostCluster, and attach.mode to observe or attach; just after a start, wait a moment.',
  });
}

/** The pods, none while the agent has not listed them. @throws AgentError NOT_CONNECTED when the file cannot be read */
export function readPods(runDir: string): PodsContent {
  const file = join(runDir, 'pods.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as PodsContent;
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') return { wallMs: 0, nodeName: undefined, pods: [] };
    const remedy =
      cause instanceof SyntaxError
        ? 'The file is not one that the agent wrote; restart the agent.'
        : `Run dpuctl as a user who may read ${runDir}.`;
    throw new AgentError('NOT_CONNECTED', `the list of pods in ${file} is not readable`, { cause, remedy });
  }
}
