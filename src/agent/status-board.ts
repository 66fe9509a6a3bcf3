/** Puts together what the loops say into the one status that all views are made from. */

import type { AttachOutcome } from './attach-outcome.js';
import type { Finding } from '../model/condition.js';
import type { ChainOutcome } from './chain-reconciler.js';
import type { AgentStatus, AttachStatus, PortsStatus } from './status.js';

export class StatusBoard {
  readonly #onStatus: (status: AgentStatus) => void;
  readonly #ovsRunDir: string;
  #ports: PortsStatus | undefined;
  #chains: ChainOutcome = { conditions: [], findings: [], patches: [], views: [] };
  #chainsWallMs: number | undefined;

  #attach: AttachOutcome | undefined;
  #intentFindings: readonly Finding[] = [];
  #offloadFindings: readonly Finding[] = [];

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
    this.#chainsWallMs = wallMs;
    this.#publish(wallMs);
  }

  /** The loop of the host cluster's pods has looked. */
  setAttach(outcome: AttachOutcome): void {
    this.#attach = outcome;
    this.#publish(outcome.wallMs);
  }

  /** What is to be said of owners' intents has changed, at `wallMs`. */
  setIntents(findings: readonly Finding[], wallMs: number): void {
    this.#intentFindings = findings;
    this.#publish(wallMs);
  }

  /** What is to be said of hardware offload has changed, at `wallMs`. It leaves the agent as ready as it is. */
  setOffload(findings: readonly Finding[], wallMs: number): void {
    this.#offloadFindings = findings;
    this.#publish(wallMs);
  }

  #publish(wallMs: number): void {
    const ports = this.#ports;
    if (ports === undefined) return;
    const { conditions, findings, views, intentsRevision: seen } = this.#chains;
    const { intentsRevision } = ports;
    this.#onStatus({
      ...ports,
      wallMs: Math.max(wallMs, ports.wallMs),
      oldestLookWallMs: Math.min(
        ports.wallMs,
        this.#chainsWallMs ?? ports.wallMs,
        this.#attach?.wallMs ?? ports.wallMs,
      ),
      // A pod that cannot be attached is that pod's trouble; an agent that has never seen the pods is not ready.
      isReady:
        ports.isReady &&
        conditions.every(({ state }) => state === 'ready') &&
        this.#attach?.cluster.kind !== 'connecting',
      conditions: [...ports.conditions, ...conditions],
      findings: [
        ...ports.findings,
        ...toldOnce(findings, this.#offloadFindings),
        ...this.#intentFindings,
        ...(this.#attach?.findings ?? []),
        ...this.#offloadFindings,
      ],
      intentsRevision:
        seen === undefined || intentsRevision === undefined ? undefined : Math.min(seen, intentsRevision),
      attach: attachStatus(this.#attach),
      chains: views,
      ovsRunDir: this.#ovsRunDir,
    });
  }
}

/**
 * What chains find without what the supervisor of offload tells of the whole node: that Open vSwitch waits for flows that
 * nobody restores is one fact, however many bridges it holds up. Where nobody supervises, the chains tell it.
 */
function toldOnce(findings: readonly Finding[], offload: readonly Finding[]): readonly Finding[] {
  if (!offload.some(({ reason }) => reason === 'RestoreWaitStuck')) return findings;
  return findings.filter(({ reason }) => reason !== 'RestoreWaitStuck');
}

function attachStatus(outcome: AttachOutcome | undefined): AttachStatus | undefined {
  if (outcome === undefined) return undefined;
  const { findings: _findings, podFacts: _podFacts, ...status } = outcome;
  return status;
}
