/** What an agent says over its Unix socket, in the agent's own words: one connection, through starts of the agent. */

import { connect, type ApiConnection } from '../cli/api-client.js';
import { decodeChain, decodeJournalEntry, decodeStatus, wallMsOf, type ShownStatus } from '../cli/decode.js';
import { attachmentsOf, chainsOf, nameOf, ownCondition, type Attached } from '../cli/topology-read.js';
import type { AttachmentView } from '../attach/attachment-view.js';
import type { AgentStatus } from '../agent/status.js';
import { ObjectKind } from '../gen/proto/dpu/agent/v1/common_pb.js';
import { ExplainService } from '../gen/proto/dpu/agent/v1/explain_pb.js';
import { JournalService } from '../gen/proto/dpu/agent/v1/journal_pb.js';
import { NodeService } from '../gen/proto/dpu/agent/v1/node_pb.js';
import { TopologyService, type TopologyObject } from '../gen/proto/dpu/agent/v1/topology_pb.js';
import { systemClock } from '../lib/clock.js';
import { AgentError, type ErrorCode } from '../lib/errors.js';

/** One network of one pod, and whose it is. */
export interface PodAttachment extends AttachmentView {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
}

/** Newest changes that a status carries. */
const journalShownCount = 50;
/** Whoever waits for an agent that starts does not wait much longer than it takes. */
const redialMsMax = 20;
/** There is nobody at the socket, or not for long; or the agent itself has not read what is asked for. */
const absent: ReadonlySet<ErrorCode> = new Set(['NOT_CONNECTED', 'API_CLOSED']);

/** Undefined instead of the error that nobody answers, or that there is no answer yet. */
async function orAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof AgentError && absent.has(error.code)) return undefined;
    throw error;
  }
}

async function readObjects(connection: ApiConnection, kind: ObjectKind): Promise<readonly TopologyObject[]> {
  return (await connection.service(TopologyService).getTopology({ kinds: [kind] })).objects;
}

const textOf = (text: string): string | undefined => (text === '' ? undefined : text);

function decodeAttachment({ object, attachment }: Attached): PodAttachment {
  const condition = ownCondition(object);
  if (condition === undefined) throw new Error(`the agent says nothing of ${nameOf(object)}`);
  const { state, reason, message, evidence } = condition;
  const { namespace, pod, podUid, network, pf, vf, isPlugged, since, readyAt, lostAt } = attachment;
  return {
    ...{ namespace, pod, podUid, nadKey: network, state, reason, message, evidence, pf, vf, isPlugged },
    sandboxId: textOf(attachment.sandboxId),
    ifaceId: textOf(attachment.ifaceId),
    device: textOf(attachment.device),
    heldBy: textOf(attachment.heldBy),
    sinceWallMs: wallMsOf(since) ?? 0,
    readyWallMs: wallMsOf(readyAt),
    lostWallMs: wallMsOf(lostAt),
    shown: textOf(attachment.shownStatus),
    wanted: textOf(attachment.wantedStatus),
  };
}

export class AgentApi {
  readonly #path: string;
  #connection: ApiConnection | undefined;

  /** @param path of the agent's socket; dialled with the first question */
  constructor(path: string) {
    this.#path = path;
  }

  /** Without chains and journal; undefined while no agent answers, or while it has not looked yet. */
  async shown(): Promise<ShownStatus | undefined> {
    const answer = await this.#ask((connection) => connection.service(NodeService).getStatus({}));
    return answer?.status === undefined ? undefined : decodeStatus(answer.status);
  }

  /** The whole status; undefined while no agent answers, or while it has not looked yet. */
  async status(): Promise<AgentStatus | undefined> {
    const shown = await this.shown();
    return shown === undefined ? undefined : this.complete(shown);
  }

  /** Adds chains and the newest changes to what was said before; undefined when the agent has gone meanwhile. */
  complete(shown: ShownStatus): Promise<AgentStatus | undefined> {
    return this.#ask(async (connection) => {
      const [objects, { entries }] = await Promise.all([
        // Before the switch was read there is no topology, and no chain is in force.
        orAbsent(readObjects(connection, ObjectKind.CHAIN)).then((found) => found ?? []),
        connection.service(JournalService).listEntries({ pageSize: journalShownCount }),
      ]);
      const chains = chainsOf(objects)
        // One that is refused and has no earlier version is not in force.
        .filter(({ chain }) => chain.switches.length > 0)
        .map(({ object, chain }) => decodeChain(nameOf(object), chain));
      return { ...shown, chains, journal: entries.map(decodeJournalEntry) };
    });
  }

  /** The networks of all pods; undefined while no agent answers. */
  attachments(): Promise<readonly PodAttachment[] | undefined> {
    return this.#ask(async (connection) =>
      attachmentsOf(await readObjects(connection, ObjectKind.ATTACHMENT)).map(decodeAttachment),
    );
  }

  /** Whether the agent knows the pod, be there anything to attach or not; undefined while no agent answers. */
  async knowsPod(namespace: string, name: string): Promise<boolean | undefined> {
    const answer = await this.#ask((connection) => connection.service(ExplainService).explainPod({ namespace, name }));
    return answer === undefined ? undefined : answer.explanation?.uid !== '';
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #ask<T>(question: (connection: ApiConnection) => Promise<T>): Promise<T | undefined> {
    this.#connection ??= connect({ kind: 'unix', path: this.#path }, { clock: systemClock, redialMsMax });
    return orAbsent(question(this.#connection));
  }
}
