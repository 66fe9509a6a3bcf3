/**
 * Reads ovs-vswitchd at its control socket, one reading at a time: the daemon answers in its main thread, which does OpenFlow,
 * OVSDB and LACP as well. A dump that is under way keeps the cheap questions waiting, here as it would there.
 */

import type { SwitchInspector } from '../agent/offload-ports.js';
import type { FilesUnderRoot } from '../host/file-source.js';
import type { Clock } from '../lib/clock.js';
import type { Incarnation } from '../offload/effective-settings.js';
import type {
  FlowsReading,
  ReadingCost,
  RulesReading,
  SwitchQuickReading,
  SwitchSlowReading,
} from '../offload/readings.js';
import { UnixctlSession } from '../unixctl/index.js';
import { OffloadExporter } from './offload-exporter.js';
import { SwitchAsker } from './switch-asker.js';
import { readFlowFacts, type FlowContext } from './switch-flows.js';
import { readQuickFacts } from './switch-quick.js';
import { readFlowRules } from './switch-rules.js';
import { readSlowFacts } from './switch-slow.js';
import { SwitchTurns } from './switch-turns.js';
import { VswitchdLives, type VswitchdLife } from './vswitchd-life.js';
import { VswitchdLog } from './vswitchd-log.js';

export interface VswitchdInspectorOptions {
  /** Directory of the pid file and the control socket of ovs-vswitchd. */
  readonly runDir: string;
  readonly clock: Clock;
  /** Port of NVIDIA's exporter on 127.0.0.1; 0: it is not asked. */
  readonly exporterPort: number;
  /** Log of ovs-vswitchd. Default: the one that the process names or has open. */
  readonly logFile?: string | undefined;
  /** Where `proc` lies. */
  readonly proc?: FilesUnderRoot | undefined;
}

/**
 * Text of a dump that may wait to be added up before the socket is left alone, bytes. The socket gives 64 KiB at a time, some
 * 150 flows; no more than that is to come together for one turn of the event loop.
 */
const bufferedSizeMax = 32 << 10;

/** Of an answer that is taken as one text, bytes; the longest, of a thousand ports, has some hundred thousand. */
const textSizeMax = 8 << 20;

/** What every reading has. */
interface Frame {
  readonly life: Incarnation;
  readonly readAtMs: number;
  readonly wallMs: number;
  readonly cost: ReadingCost;
}

export class VswitchdInspector implements SwitchInspector {
  readonly #clock: Clock;
  readonly #session: UnixctlSession;
  readonly #exporter: OffloadExporter;
  readonly #lives: VswitchdLives;
  readonly #log: VswitchdLog;
  readonly #turns = new SwitchTurns();

  constructor({ runDir, clock, exporterPort, logFile, proc = {} }: VswitchdInspectorOptions) {
    this.#clock = clock;
    this.#session = new UnixctlSession(runDir, 'ovs-vswitchd', { clock, bufferedSizeMax, textSizeMax });
    this.#exporter = new OffloadExporter(exporterPort, clock);
    this.#lives = new VswitchdLives(runDir, clock, proc);
    this.#log = new VswitchdLog({ file: logFile, root: proc.root, clock });
  }

  readQuick(signal: AbortSignal): Promise<SwitchQuickReading> {
    return this.#read(signal, (asker) => readQuickFacts(asker, this.#exporter));
  }

  readSlow(signal: AbortSignal): Promise<SwitchSlowReading> {
    return this.#read(signal, async (asker, life) => ({
      ...(await readSlowFacts(asker)),
      logLines: await this.#log.read(life),
    }));
  }

  readFlows(scope: FlowsReading['scope'], context: FlowContext, signal: AbortSignal): Promise<FlowsReading> {
    return this.#read(signal, (asker) => readFlowFacts(asker, scope, context));
  }

  readRules(ufids: readonly string[], signal: AbortSignal): Promise<RulesReading> {
    return this.#read(signal, async (asker) => ({ rules: await readFlowRules(asker, ufids) }));
  }

  busyMs(): number | undefined {
    return this.#session.busyMs;
  }

  close(): void {
    this.#session.close();
  }

  #read<T extends object>(
    signal: AbortSignal,
    use: (asker: SwitchAsker, life: VswitchdLife) => Promise<T>,
  ): Promise<T & Frame> {
    return this.#turns.run(signal, async () => {
      const startMs = this.#clock.nowMs();
      const asker = await SwitchAsker.meet(this.#session, signal);
      const life = await this.#lives.of(asker.life);
      const facts = await use(asker, life);
      asker.mustBeOneLife();
      const readAtMs = this.#clock.nowMs();
      const { pid, startedMs } = life;
      return {
        ...facts,
        life: { pid, startedMs },
        readAtMs,
        wallMs: this.#clock.wallMs(),
        cost: { tookMs: readAtMs - startMs, ...asker.cost },
      };
    });
  }
}
