/** What was read of the machine under the switch. Pure state. */

import { known, unknown, type Fact } from '../../model/fact.js';
import type { BootFacts, MemoryFacts, OffloadFacts } from '../offload-facts.js';
import type { MachineQuickReading, MachineSlowReading } from '../readings.js';
import { NewestReading } from './newest-reading.js';
import { SampleWindow } from './sample-window.js';

/** How often they are read, ms, while that is not dear. */
const quickMs = 10_000;
const toolsMs = 60_000;
/** Processes that were killed for want of memory are told for this long, ms. */
const killedMs = 10 * 60_000;

export type MachineFacts = Pick<OffloadFacts, 'memory' | 'hugePages' | 'eswitches' | 'qdiscs' | 'addresses'>;

export class MachineReadings {
  readonly quick = new NewestReading<MachineQuickReading>(quickMs);
  readonly tools = new NewestReading<MachineSlowReading>(toolsMs);
  readonly #kills = new SampleWindow<number>(killedMs);
  /** When the machine was booted, monotonic ms; undefined: not known. */
  #bootedAtMs: number | undefined;
  #modes: Fact<readonly string[]> = unknown('devlink was not asked yet');
  #mode = commonMode(this.#modes);
  #hasAsked = false;

  noteQuick(reading: MachineQuickReading): void {
    if (reading.readAtMs < (this.quick.newest?.readAtMs ?? -Infinity)) return;
    this.quick.note(reading);
    const { memory, uptimeMs, readAtMs } = reading;
    if (memory.kind === 'known' && memory.value.oomKills !== undefined) {
      this.#kills.add(readAtMs, memory.value.oomKills);
    }
    if (uptimeMs.kind === 'known') this.#bootedAtMs = readAtMs - uptimeMs.value;
  }

  noteTools(reading: MachineSlowReading): void {
    if (reading.readAtMs < (this.tools.newest?.readAtMs ?? -Infinity)) return;
    this.tools.note(reading);
    this.#hasAsked = true;
    const { eswitches } = reading;
    if (eswitches.kind === 'known') this.#modes = known(eswitches.value.map(({ mode }) => mode));
    else if (this.#modes.kind === 'unknown') this.#modes = eswitches;
    this.#mode = commonMode(this.#modes);
  }

  toolsFailed(why: string): void {
    this.tools.failed(why);
    this.#hasAsked = true;
  }

  /** Whether the tools were tried: before that, what they tell is missing and not absent. */
  get hasAsked(): boolean {
    return this.#hasAsked;
  }

  /** As devlink said last, however long ago: a mode does not change by not being asked for. */
  get eswitchModes(): Fact<readonly string[]> {
    return this.#modes;
  }

  /** One for all embedded switches; the same value until the tools are read again. */
  get eswitchMode(): Fact<string> {
    return this.#mode;
  }

  /** @param startMs when somebody began to look, monotonic ms */
  boot(startMs: number, nowMs: number): BootFacts {
    const booted = this.#bootedAtMs;
    return {
      platform: this.tools.fact(nowMs, ({ platform }) => platform),
      uptimeMs: booted === undefined ? unknown('/proc/uptime was not read yet') : known(Math.max(0, nowMs - booted)),
      watchedMs: Math.max(0, nowMs - startMs),
    };
  }

  facts(nowMs: number): MachineFacts {
    return {
      memory: this.quick.fact(nowMs, ({ memory }) => (memory.kind === 'known' ? this.#memory(memory.value) : memory)),
      hugePages: this.quick.fact(nowMs, ({ hugePages }) => hugePages),
      eswitches: this.tools.fact(nowMs, ({ eswitches }) => eswitches),
      qdiscs: this.tools.fact(nowMs, ({ qdiscs }) => qdiscs),
      addresses: this.tools.fact(nowMs, ({ addresses }) => addresses),
    };
  }

  #memory({ totalBytes, availableBytes, oomKills }: MemoryFacts): Fact<MemoryFacts> {
    const span = this.#kills.span();
    const grown = span === undefined ? 0 : Math.max(0, span.newest - span.oldest);
    return known({ totalBytes, availableBytes, oomKills: oomKills === undefined ? undefined : grown });
  }
}

/** One mode for all embedded switches: where they differ, that is what is told. */
export function commonMode(modes: Fact<readonly string[]>): Fact<string> {
  if (modes.kind === 'unknown') return modes;
  const kinds = [...new Set(modes.value)].sort();
  return kinds.length === 0 ? unknown('devlink tells of no embedded switch') : known(kinds.join(', '));
}
