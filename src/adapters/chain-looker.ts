/** Reads what the bridges of one chain count, over OpenFlow; those who ask of the same chain within a moment get one answer. */

import type { ChainLooker, LookedChain } from '../agent/explainer.js';
import type { ChainView } from '../chain/chain-view.js';
import { bridgesOf, type LookedBridge } from '../chain/count-chain.js';
import { tables } from '../chain/tables.js';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import type { FlowStats } from '../openflow/index.js';
import type { BridgeSessions } from './bridge-sessions.js';

/** For one question to one bridge, ms. */
const answerMsMax = 3_000;
/** An answer serves all who ask within this time, ms: however often they ask, the switch walks over its flows this often. */
const answerFreshMs = 50;

export class SwitchChainLooker implements ChainLooker {
  readonly #sessions: BridgeSessions;
  readonly #clock: Clock;
  readonly #flights = new Map<string, Promise<LookedChain>>();
  /** The newest answer of each chain that was looked at within `answerFreshMs`. */
  readonly #answers = new Map<string, { readonly of: ChainView; readonly atMs: number; readonly look: LookedChain }>();

  constructor(sessions: BridgeSessions, clock: Clock) {
    this.#sessions = sessions;
    this.#clock = clock;
  }

  look(chain: ChainView): Promise<LookedChain> {
    const { name } = chain.intent;
    const present = this.#flights.get(name);
    if (present !== undefined) return present;
    const nowMs = this.#clock.nowMs();
    for (const [key, { atMs }] of this.#answers) if (nowMs - atMs >= answerFreshMs) this.#answers.delete(key);
    const known = this.#answers.get(name);
    if (known?.of === chain) return Promise.resolve(known.look);
    const flight = this.#look(chain)
      .then((look) => {
        this.#answers.set(name, { of: chain, atMs: this.#clock.nowMs(), look });
        return look;
      })
      .finally(() => this.#flights.delete(name));
    this.#flights.set(name, flight);
    return flight;
  }

  async #look(chain: ChainView): Promise<LookedChain> {
    const bridges = new Map<string, LookedBridge>();
    const problems: string[] = [];
    for (const bridge of bridgesOf(chain)) {
      try {
        bridges.set(bridge, await this.#lookAt(bridge, chain.cookie));
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        problems.push(error.message);
      }
    }
    return { wallMs: this.#clock.wallMs(), bridges, problems };
  }

  /** Its times are bounded: it needs nobody who gives it up. */
  #lookAt(bridge: string, cookie: string | undefined): Promise<LookedBridge> {
    const options = { deadlineMs: answerMsMax };
    return this.#sessions.use(bridge, new AbortController().signal, async (client) => {
      const ports = new Map((await client.portStats(undefined, options)).map((entry) => [entry.port, entry]));
      const flows: FlowStats[] = [];
      if (cookie === undefined) return { ports, flows };
      for (const table of [tables.classify, tables.station]) {
        for await (const flow of client.dumpFlows({ table, cookie: BigInt(cookie) }, options)) flows.push(flow);
      }
      return { ports, flows };
    });
  }
}
