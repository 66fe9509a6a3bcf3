/**
 * One look at all devices, by each of the two readers. Both must tell the same. Processor time is that of this process with all its
 * threads, and of `ip`, which it has waited for.
 */
import { isDeepStrictEqual } from 'node:util';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { systemFiles } from '../../src/host/file-source.js';
import { LinkDumpReader } from '../../src/host/link-dump-reader.js';
import { sysfsLinkReader, type LinkReader } from '../../src/host/link-reader.js';
import { systemClock } from '../../src/lib/clock.js';
import { atMost, ms, type Line, type Section } from '../table.js';
import type { Effort } from './effort.js';
import { processorMs } from './process-figures.js';

/** How often all is looked at while nothing happens: as `inventoryTiming.fullMs`. */
const fullMs = 60_000;

interface Look {
  readonly cpuMs: number;
  readonly durationMs: number;
  /** For how long the event loop was held at most. */
  readonly heldMs: number;
}

async function looks(reader: LinkReader, count: number): Promise<Look> {
  const { signal } = new AbortController();
  const held = monitorEventLoopDelay({ resolution: 1 });
  // The first one compiles, and looks for the drivers of all devices.
  await reader.read(signal);
  held.enable();
  const [cpuMs, startMs] = [processorMs(), performance.now()];
  for (let look = 0; look < count; look += 1) await reader.read(signal);
  held.disable();
  return {
    cpuMs: (processorMs() - cpuMs) / count,
    durationMs: (performance.now() - startMs) / count,
    heldMs: held.max / 1e6,
  };
}

const lineOf = (what: string, { cpuMs, durationMs, heldMs }: Look): Line => ({
  what,
  value: `${ms(cpuMs)} processor, ${ms(durationMs)} in all, loop held for ${ms(heldMs)} at most`,
});

/** @param shareMax of one core, for looks while nothing happens */
export async function devicesCase(shareMax: number, { lookCount }: Effort): Promise<Section> {
  const { signal } = new AbortController();
  const dump = new LinkDumpReader({ clock: systemClock });
  const sysfs = sysfsLinkReader({ root: '/', files: systemFiles });
  const [told, witness] = [await dump.read(signal), await sysfs.read(signal)];
  if (!isDeepStrictEqual(told.netdevs, witness.netdevs)) throw new Error('the two readers tell different devices');
  const [byDump, bySysfs] = [await looks(dump, lookCount), await looks(sysfs, Math.ceil(lookCount / 10))];
  const share = byDump.cpuMs / fullMs;
  return {
    title: `footprint: one look at ${told.netdevs.size} devices`,
    lines: [
      lineOf('netlink dump', byDump),
      lineOf('sysfs', bySysfs),
      {
        what: 'the dump once a minute, of one core',
        value: `${(share * 100).toFixed(3)} %`,
        target: atMost(share, shareMax, `under ${shareMax * 100} %`),
      },
    ],
  };
}
