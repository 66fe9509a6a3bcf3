/** Reads counters and ports of bridges over OpenFlow, straight from Open vSwitch, for one command. Changes nothing. */

import { join } from 'node:path';
import type { ChainView } from '../chain/chain-view.js';
import { tables } from '../chain/tables.js';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { match, OpenFlowClient, type FlowStats, type PortDesc } from '../openflow/index.js';
import type { BridgeLook } from './traffic.js';

/** How long a bridge may take to answer the dial, ms: the socket is on this machine. */
const readyMsMax = 2_000;

/** Sessions with some bridges, for the length of one command. */
export class SwitchLook {
  readonly #runDir: string;
  readonly #clock: Clock;
  readonly #clients = new Map<string, OpenFlowClient>();

  /** @param runDir directory of the `<bridge>.mgmt` sockets */
  constructor(runDir: string, clock: Clock) {
    this.#runDir = runDir;
    this.#clock = clock;
  }

  /** @throws AgentError NOT_CONNECTED when the bridge does not answer */
  async #client(bridge: string): Promise<OpenFlowClient> {
    const present = this.#clients.get(bridge);
    if (present !== undefined) return present;
    const path = join(this.#runDir, `${bridge}.mgmt`);
    // One command dials a handful of sockets: there is no crowd for which jitter would help.
    const client = new OpenFlowClient({ endpoint: { kind: 'unix', path }, clock: this.#clock, random: () => 0.5 });
    this.#clients.set(bridge, client);
    client.start();
    try {
      await client.ready({ deadlineMs: readyMsMax });
    } catch (cause) {
      throw new AgentError('NOT_CONNECTED', `bridge ${safeText(bridge)} does not answer at ${safeText(path)}`, {
        cause,
        remedy: 'See whether ovs-vswitchd runs and the bridge exists, or name its directory with --ovs-run-dir.',
      });
    }
    return client;
  }

  /** The ports of a bridge, by number. */
  async portDescs(bridge: string): Promise<ReadonlyMap<number, PortDesc>> {
    const client = await this.#client(bridge);
    return new Map((await client.portDescs()).map((entry) => [entry.port, entry]));
  }

  /** The counters of one bridge, with those of the chain's flows on it. */
  async look(bridge: string, cookie: string | undefined): Promise<BridgeLook> {
    const client = await this.#client(bridge);
    const nowMs = this.#clock.nowMs();
    const ports = new Map((await client.portStats()).map((entry) => [entry.port, entry]));
    const flows: FlowStats[] = [];
    if (cookie !== undefined) {
      for (const table of [tables.classify, tables.station]) {
        for await (const flow of client.dumpFlows({ table, cookie: BigInt(cookie) })) flows.push(flow);
      }
    }
    return { nowMs, ports, flows };
  }

  /** How many flows of a bridge take packets from a port, and how many send packets out of it. */
  async countFlows(bridge: string, ofport: number): Promise<{ readonly taking: number; readonly sending: number }> {
    const client = await this.#client(bridge);
    // The switch counts: br-int of a large cluster has a hundred thousand flows.
    const taking = await client.aggregate({ match: match({ in_port: ofport }) });
    const sending = await client.aggregate({ outPort: ofport });
    return { taking: taking.flows, sending: sending.flows };
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}

/** The bridges on which a chain has ports or flows. */
export function bridgesOf(chain: ChainView): readonly string[] {
  const legs = chain.switches.flatMap((entry) => entry.ports.flatMap(({ leg }) => leg?.bridge ?? []));
  return [...new Set([chain.intent.bridge, ...legs])];
}
