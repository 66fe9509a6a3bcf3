/** Puts together what the loops say into the one status that all views are made from. */

import type { ChainOutcome } from './chain-reconciler.js';
import type { AgentStatus, PortsStatus } from './status.js';

export class StatusBoard {
  readonly #onStatus: (status: AgentStatus) => void;
  readonly #ovsRunDir: string;
  #ports: PortsStatus | undefined;
  #chains: ChainOutcome = { conditions: [], findings: [], patches: [], views: [] };

  /** @param ovsRunDir directory of Open vSwitch's sockets */
  constructor(ovsRunDir: string, onStatus: (status: AgentStatus) => void) {
    this.#ovsRunDir = ovsRunDir;
    this.#onStatus = onStatus;
  }

  /** The loop of the ports has looked. */
  setPorts(status: PortsStatus): void {
    this.#ports = status;
    this.#publish(status.wallMs);
  }

  /** The loop of the chains has looked, at `wallMs`. */
  setChains(outcome: ChainOutcome, wallMs: number): void {
    this.#chains = outcome;
    this.#publish(wallMs);
  }

  #publish(wallMs: number): void {
    const ports = this.#ports;
    if (ports === undefined) return;
    const { conditions, findings, views } = this.#chains;
    this.#onStatus({
      ...ports,
      wallMs: Math.max(wallMs, ports.wallMs),
      isReady: ports.isReady && conditions.every(({ state }) => state === 'ready'),
      conditions: [...ports.conditions, ...conditions],
      findings: [...ports.findings, ...findings],
      chains: views,
      ovsRunDir: this.#ovsRunDir,
    });
  }
}
