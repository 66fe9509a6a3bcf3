/**
 * Asks the switch for the counters of chains, over OpenFlow: ports of each bridge, and flows where VLANs share a port. Keeps
 * its sessions while somebody goes on asking, so that a question costs no handshake, and ends them when nobody does.
 */

import { join } from 'node:path';
import type { ChainCounterSource, ChainLook } from '../agent/stats-ports.js';
import type { ChainView } from '../chain/chain-view.js';
import { isSharedPort, type SeenBridge, type SeenFlow } from '../chain/port-counters.js';
import { tables } from '../chain/tables.js';
import type { Clock, Timer } from '../lib/clock.js';
import { AgentError, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { OpenFlowClient, type CallOptions, type ClientState } from '../openflow/index.js';

export interface ChainCountersOptions {
  /** Directory of the `<bridge>.mgmt` sockets. */
  readonly runDir: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** How long one bridge may take to answer everything, ms. */
  readonly bridgeMsMax?: number;
}

/** The switch counts by itself and answers in milliseconds; what takes longer hangs. */
const bridgeMsDefault = 2_000;
/** How long a session is kept after the last question, ms: longer than most intervals of watchers. */
const idleMs = 60_000;

interface Question {
  readonly bridge: string;
  /** Cookies of the chains whose flows have to be counted. */
  readonly cookies: readonly bigint[];
}

function questionsOf(chains: readonly ChainView[]): readonly Question[] {
  const byBridge = new Map<string, bigint[]>();
  for (const chain of chains) {
    const cookies = byBridge.get(chain.intent.bridge) ?? [];
    const isShared = chain.switches.some(({ ports }) => ports.some(isSharedPort));
    if (isShared && chain.cookie !== undefined) cookies.push(BigInt(chain.cookie));
    byBridge.set(chain.intent.bridge, cookies);
  }
  return [...byBridge].map(([bridge, cookies]) => ({ bridge, cookies }));
}

export class ChainCounters implements ChainCounterSource {
  readonly #options: ChainCountersOptions;
  readonly #clients = new Map<string, OpenFlowClient>();
  #idle: Timer | undefined;
  #isClosed = false;

  constructor(options: ChainCountersOptions) {
    this.#options = options;
  }

  async look(chains: readonly ChainView[]): Promise<ChainLook> {
    const questions = questionsOf(chains);
    this.#keep(questions);
    const bridges = new Map<string, SeenBridge>();
    const problems: string[] = [];
    const ask = async (question: Question): Promise<void> => {
      try {
        bridges.set(question.bridge, await this.#ask(question));
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        problems.push(safeText(`Bridge ${question.bridge} does not tell its counters: ${error.message}.`, 512));
      }
    };
    await Promise.all(questions.map(ask));
    return { wallMs: this.#options.clock.wallMs(), bridges, problems: problems.sort() };
  }

  /** Ends all sessions; a question under way fails. */
  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  async #ask({ bridge, cookies }: Question): Promise<SeenBridge> {
    const { clock, bridgeMsMax = bridgeMsDefault } = this.#options;
    const abort = new AbortController();
    const limit = clock.after(bridgeMsMax, () => abort.abort());
    const options = { signal: abort.signal, deadlineMs: bridgeMsMax };
    try {
      const client = this.#client(bridge);
      await connected(client, options);
      const ports = new Map((await client.portStats(undefined, options)).map((entry) => [entry.port, entry]));
      const flows: SeenFlow[] = [];
      for (const cookie of cookies) {
        for await (const flow of client.dumpFlows({ table: tables.classify, cookie }, options)) flows.push(flow);
      }
      return { ports, flows };
    } catch (error) {
      if (!abort.signal.aborted) throw error;
      throw new AgentError('DEADLINE_EXCEEDED', `no answer within ${bridgeMsMax} ms`, { cause: error });
    } finally {
      limit.cancel();
    }
  }

  #client(bridge: string): OpenFlowClient {
    if (this.#isClosed) throw new AgentError('CLIENT_CLOSED', 'the agent is ending');
    const present = this.#clients.get(bridge);
    if (present !== undefined && present.state.kind !== 'waiting') return present;
    // The socket is on this machine: to dial anew costs less than to wait for the next try of a client that rests.
    present?.close();
    const { clock, random, runDir } = this.#options;
    const client = new OpenFlowClient({
      endpoint: { kind: 'unix', path: join(runDir, `${bridge}.mgmt`) },
      clock,
      random,
      // Asked for counters only: what ports and flows do is told to others.
      asyncFilter: { packetIn: false, portStatus: false, flowRemoved: false },
    });
    this.#clients.set(bridge, client);
    client.start();
    return client;
  }

  /** Sessions with bridges that no chain is on any more end at once, all others when nobody has asked for a while. */
  #keep(questions: readonly Question[]): void {
    const wanted = new Set(questions.map(({ bridge }) => bridge));
    for (const [bridge, client] of this.#clients) {
      if (wanted.has(bridge)) continue;
      client.close();
      this.#clients.delete(bridge);
    }
    this.#idle?.cancel();
    if (!this.#isClosed) this.#idle = this.#options.clock.after(idleMs, () => this.#drop(), true);
  }

  #drop(): void {
    this.#idle?.cancel();
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}

/** Resolves when the session is there, and rejects with the first try that failed: whoever asks again dials again. */
async function connected(client: OpenFlowClient, options: CallOptions): Promise<void> {
  let stop = (): void => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    const onState = (state: ClientState): void => {
      if (state.kind === 'waiting') reject(toError(state.error ?? new AgentError('NOT_CONNECTED', 'no connection')));
    };
    client.on('state', onState);
    stop = () => void client.off('state', onState);
  });
  try {
    await Promise.race([client.ready(options), failed]);
  } finally {
    stop();
  }
}
