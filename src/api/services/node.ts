/** NodeService: the facts of the node, and its status once or whenever it differs. */

import type { NodeSource, StatusSource } from '../../agent/api-view.js';
import type { AgentStatus } from '../../agent/status.js';
import { NodeService } from '../../gen/proto/dpu/agent/v1/node_pb.js';
import type { Clock } from '../../lib/clock.js';
import { AgentError } from '../../lib/errors.js';
import { encodeNode, encodeStatus, isFresh, statusVersion, type StatusMessage } from '../encode/node.js';
import type { ServiceEntry } from '../grpc/service.js';
import { Waker } from './pace.js';

export interface NodeServiceParts {
  readonly node: NodeSource;
  readonly status: StatusSource;
  /** New with each start of the process. */
  readonly instanceId: string;
  readonly clock: Clock;
}

/** A status with what makes it differ from others. */
interface Made {
  readonly isFresh: boolean;
  readonly message: StatusMessage;
  readonly version: string;
}

/** The service over what the agent says of itself. Role of all its methods: viewer. */
export function nodeService(parts: NodeServiceParts): ServiceEntry<typeof NodeService> {
  const { node, status, instanceId, clock } = parts;
  const made = new WeakMap<AgentStatus, Made>();
  /** Made once for all who are told. */
  const make = (current: AgentStatus): Made => {
    const fresh = isFresh(current, clock.wallMs());
    const known = made.get(current);
    if (known?.isFresh === fresh) return known;
    const message = encodeStatus(current, fresh);
    const value = { isFresh: fresh, message, version: statusVersion(message) };
    made.set(current, value);
    return value;
  };
  return {
    service: NodeService,
    handlers: {
      async getNode() {
        return { node: encodeNode(await node.facts(), instanceId) };
      },
      getStatus() {
        const current = status.current();
        if (current === undefined) throw notLooked();
        return { status: make(current).message };
      },
      watchStatus: (_request, { signal }) => watchStatus(parts, make, signal),
    },
  };
}

function notLooked(): AgentError {
  return new AgentError('NOT_CONNECTED', 'The agent has not looked at the switch since it was started.', {
    remedy: 'Try again in a moment; if it lasts, read the log of the agent.',
  });
}

/**
 * The newest status whenever it differs in more than its times, and in any case twice within the time for which a status is
 * fresh: silence means that the agent has gone. Begins with the first look.
 */
async function* watchStatus(
  { status, clock }: NodeServiceParts,
  make: (current: AgentStatus) => Made,
  signal: AbortSignal,
): AsyncGenerator<{ readonly status: StatusMessage }, void, undefined> {
  const waker = new Waker(signal, clock);
  const unsubscribe = status.onChange(waker.ring);
  let told: { readonly version: string; readonly nowMs: number } | undefined;
  try {
    while (!signal.aborted) {
      const current = status.current();
      if (current === undefined) {
        await waker.next();
        continue;
      }
      const { message, version } = make(current);
      const restMs = told === undefined ? 0 : told.nowMs + current.freshMs / 2 - clock.nowMs();
      if (told?.version === version && restMs > 0) {
        await waker.next(restMs);
        continue;
      }
      told = { version, nowMs: clock.nowMs() };
      yield { status: message };
    }
  } finally {
    unsubscribe();
    waker.close();
  }
}
