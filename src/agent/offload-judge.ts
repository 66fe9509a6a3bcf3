/**
 * Judges offload: of everything that was gathered it makes the evidence of each object and the report of the checks, as often
 * as something has changed and as seldom as that costs, and tells findings that are news. Asks nobody and writes nothing.
 */

import { setImmediate as turn } from 'node:timers/promises';
import type { PodFacts } from '../attach/attachment-view.js';
import type { ChainView } from '../chain/chain-view.js';
import type { Clock } from '../lib/clock.js';
import { Trigger } from '../lib/trigger.js';
import type { Finding } from '../model/condition.js';
import { Attribution } from '../offload/attribute.js';
import type { OffloadFinding } from '../offload/check.js';
import { objectsOfChains, objectsOfPods, type OffloadObject } from '../offload/offload-objects.js';
import type { OffloadRecord } from '../offload/offload-record.js';
import { pollLimits } from '../offload/poll-plan.js';
import type { CheckReport } from '../offload/run-checks.js';
import { offloadedDelayMsIn, statisticsMsIn } from '../offload/statistics-timing.js';
import type { SwitchPorts } from '../offload/switch-ports.js';
import type { TrafficRecord } from '../offload/traffic-record.js';
import { FindingTeller } from './finding-teller.js';
import type { DeviceSource, StoreSnapshot } from './ports.js';

export interface OffloadJudgeParts {
  /** What was gathered. */
  readonly record: OffloadRecord;
  readonly traffic: TrafficRecord;
  readonly ports: SwitchPorts;
  readonly devices: Pick<DeviceSource, 'snapshot'>;
  readonly pods: () => readonly PodFacts[];
  /** The chains in force. */
  readonly chains: () => readonly ChainView[];
  /** The database as it was followed last; undefined: it cannot be read. */
  readonly seen: () => StoreSnapshot | undefined;
  /** Takes what ovs-vswitchd has counted since. */
  readonly takeTotals: () => void;
  readonly busyMs: () => number | undefined;
  /** How much longer than usual everything waits. */
  readonly slowdown: () => number;
  /** Findings that the checks cannot make. */
  readonly others: () => readonly OffloadFinding[];
  readonly clock: Clock;
  /** All findings of now. */
  readonly onFindings: (findings: readonly Finding[], wallMs: number) => void;
  /** From now on verdicts are given. */
  readonly onReady: () => void;
  readonly onBug: (error: unknown) => void;
}

/** Everything is judged at most this often, ms … */
const judgeMs = 1_000;
/** … and after a rest of so many times what it took: with a thousand ports that is milliseconds, many times a minute. */
const judgeRest = 200;
/** For how many times the time between two dumps the newest one speaks. */
const flowPeriods = 3;

export class OffloadJudge {
  readonly #parts: OffloadJudgeParts;
  readonly #teller: FindingTeller;
  readonly #trigger: Trigger;
  /** When everything may be judged again, monotonic ms. */
  #restedAtMs = 0;
  #objects: readonly OffloadObject[] = [];
  #attribution = new Attribution({ objects: [], isWhole: false, counters: () => undefined });
  #report: CheckReport | undefined;

  constructor(parts: OffloadJudgeParts) {
    const { clock, onFindings, onBug } = parts;
    this.#parts = parts;
    this.#teller = new FindingTeller(onFindings);
    this.#trigger = new Trigger({ clock, gatherMs: judgeMs, work: () => this.#judge(), onError: onBug });
  }

  close(): Promise<void> {
    return this.#trigger.close();
  }

  /** Something has changed: judges as soon as the last judgement has had its rest. */
  soon(): void {
    this.#trigger.fireWithin(Math.max(judgeMs, this.#restedAtMs - this.#parts.clock.nowMs()));
  }

  /** The evidence of the newest look. */
  get attribution(): Attribution {
    return this.#attribution;
  }

  /** With the findings that the checks cannot make; undefined before the first look. */
  report(): CheckReport | undefined {
    return this.#report === undefined ? undefined : this.#withOthers(this.#report);
  }

  /** Why nothing is judged yet; undefined: it is, or nobody has looked. */
  get waiting(): string | undefined {
    return this.#report?.waiting;
  }

  /** Whether verdicts are given. */
  get isReady(): boolean {
    return isGiven(this.#report);
  }

  async #judge(): Promise<void> {
    const { clock } = this.#parts;
    let tookMs = 0;
    const timed = (work: () => void): void => {
      const startMs = clock.nowMs();
      work();
      tookMs += clock.nowMs() - startMs;
    };
    try {
      timed(() => this.#attribute());
      // What answers others has its turn between the two: with a thousand ports each takes milliseconds.
      await turn();
      timed(() => this.#check());
    } finally {
      this.#restedAtMs = clock.nowMs() + Math.min(tookMs * judgeRest, 10 * judgeMs);
      // Some findings come with time alone: what waits, lags or is broken for too long.
      this.#trigger.fireWithin(10 * judgeMs);
    }
  }

  #attribute(): void {
    const { clock, devices, pods, chains, record, traffic, ports, seen, slowdown, takeTotals } = this.#parts;
    const nowMs = clock.nowMs();
    const netdevs = devices.snapshot();
    record.noteDevices(netdevs, nowMs);
    takeTotals();
    const tables = seen();
    if (tables !== undefined) {
      const { otherConfig } = tables.root;
      traffic.setDelay(offloadedDelayMsIn(otherConfig));
      traffic.setFlowsAge(flowPeriods * pollLimits.unwatchedMs * slowdown());
      traffic.setStatistics(statisticsMsIn(otherConfig));
      const view = ports.view(tables, netdevs);
      traffic.setPorts(view.ports);
      this.#objects = [...view.objects, ...objectsOfPods(pods()), ...objectsOfChains(chains())];
    }
    // Also of objects of before, while the database cannot be read: what was measured of them grows old.
    this.#attribution = traffic.attribute(this.#objects, nowMs);
  }

  #check(): void {
    const { clock, record, traffic, busyMs, onReady } = this.#parts;
    const nowMs = clock.nowMs();
    record.noteTraffic(traffic.traffic(nowMs));
    record.noteBusy(busyMs());
    const before = this.#report;
    const report = record.report(nowMs);
    this.#report = report;
    if (!isGiven(before) && isGiven(report)) onReady();
    this.#teller.tell(this.#withOthers(report).findings, nowMs, clock.wallMs());
  }

  #withOthers(report: CheckReport): CheckReport {
    return { ...report, findings: [...report.findings, ...this.#parts.others()] };
  }
}

/** Whether the report has verdicts. */
function isGiven(report: CheckReport | undefined): boolean {
  return report !== undefined && report.waiting === undefined;
}
