/** OpenFlow sessions with bridges for single questions: dialled when somebody asks, closed when nobody does any more. */

import { join } from 'node:path';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { OpenFlowClient } from '../openflow/index.js';

/** How long a bridge may take to answer the dial, ms: the socket is on this machine. */
const readyMsMax = 2_000;

interface Session {
  readonly client: OpenFlowClient;
  users: number;
}

/** Sessions with some bridges, each shared by those who ask at the same time. */
export class BridgeSessions {
  readonly #runDir: string;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #sessions = new Map<string, Session>();

  /** @param runDir directory of the `<bridge>.mgmt` sockets */
  constructor(runDir: string, clock: Clock, random: () => number) {
    this.#runDir = runDir;
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Calls `ask` with a session that is up.
   * @throws AgentError NOT_CONNECTED when the bridge does not answer
   */
  async use<T>(bridge: string, signal: AbortSignal, ask: (client: OpenFlowClient) => Promise<T>): Promise<T> {
    const session = this.#sessions.get(bridge) ?? this.#open(bridge);
    session.users += 1;
    try {
      await this.#ready(bridge, session.client, signal);
      return await ask(session.client);
    } finally {
      session.users -= 1;
      if (session.users === 0) this.#close(bridge, session);
    }
  }

  #pathOf(bridge: string): string {
    return join(this.#runDir, `${bridge}.mgmt`);
  }

  #open(bridge: string): Session {
    const client = new OpenFlowClient({
      endpoint: { kind: 'unix', path: this.#pathOf(bridge) },
      clock: this.#clock,
      random: this.#random,
    });
    client.start();
    const session: Session = { client, users: 0 };
    this.#sessions.set(bridge, session);
    return session;
  }

  #close(bridge: string, session: Session): void {
    session.client.close();
    if (this.#sessions.get(bridge) === session) this.#sessions.delete(bridge);
  }

  async #ready(bridge: string, client: OpenFlowClient, signal: AbortSignal): Promise<void> {
    try {
      await client.ready({ deadlineMs: readyMsMax, signal });
    } catch (cause) {
      const path = safeText(this.#pathOf(bridge));
      throw new AgentError('NOT_CONNECTED', `bridge ${safeText(bridge)} does not answer at ${path}`, {
        cause,
        remedy: 'See whether ovs-vswitchd runs and the bridge exists.',
      });
    }
  }
}
