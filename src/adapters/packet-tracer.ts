/** Asks ovs-vswitchd at its control socket what it would do with packets (`ofproto/trace`), one trace at a time. */

import type { PacketTracer } from '../agent/explainer.js';
import type { PortFacts, TraceSource } from '../chain/trace/walk.js';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { findControlSocket, UnixctlClient } from '../unixctl/index.js';
import type { BridgeSessions } from './bridge-sessions.js';

/** OFPPS_LINK_DOWN, OpenFlow 1.5.1 section 7.2.1. */
const linkDown = 1;

export class SwitchPacketTracer implements PacketTracer {
  readonly #runDir: string;
  readonly #clock: Clock;
  readonly #sessions: BridgeSessions;
  #tail: Promise<unknown> = Promise.resolve();

  /** @param runDir directory of vswitchd's pid file and control socket */
  constructor(runDir: string, clock: Clock, sessions: BridgeSessions) {
    this.#runDir = runDir;
    this.#clock = clock;
    this.#sessions = sessions;
  }

  run<T>(signal: AbortSignal, use: (source: TraceSource) => Promise<T>): Promise<T> {
    const before = this.#tail;
    const trace = before.then(() => this.#run(signal, use));
    this.#tail = trace.then(
      () => undefined,
      () => undefined,
    );
    return trace;
  }

  async #run<T>(signal: AbortSignal, use: (source: TraceSource) => Promise<T>): Promise<T> {
    if (signal.aborted) throw new AgentError('ABORTED', 'the trace was given up before its turn came');
    const socket = findControlSocket(this.#runDir, 'ovs-vswitchd');
    const client = await UnixctlClient.connect(socket, { clock: this.#clock });
    try {
      return await use({
        trace: (bridge, flow) => client.call('ofproto/trace', [bridge, flow], { signal }),
        ports: (bridge) => this.#ports(bridge, signal),
      });
    } finally {
      client.close();
    }
  }

  /** Ports of a bridge that does not answer stay without name: the trace is worth showing all the same. */
  async #ports(bridge: string, signal: AbortSignal): Promise<ReadonlyMap<number, PortFacts>> {
    try {
      const descs = await this.#sessions.use(bridge, signal, (client) => client.portDescs({ signal }));
      return new Map(descs.map(({ port, name, state }) => [port, { name, isDown: (state & linkDown) !== 0 }]));
    } catch (error) {
      if (error instanceof AgentError) return new Map();
      throw error;
    }
  }
}
