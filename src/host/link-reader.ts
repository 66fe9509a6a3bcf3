/**
 * How the inventory reads all devices: an interface, and the reader for which sysfs is all there is. The other one, for the machine
 * itself, is in `link-dump-reader.ts`.
 */
import { observeNetdevs } from './sysfs.js';
import type { NetdevsReading, SysfsOptions } from './sysfs.js';

/** What a reading rests on. */
export type LinkSource =
  /** One netlink dump, by `ip`; `singleCount` devices of which it did not tell enough were read from sysfs. */
  | { readonly kind: 'dump'; readonly singleCount: number }
  /** A dozen files of each device; `why` where a dump would have been better. */
  | { readonly kind: 'sysfs'; readonly why?: string };

export interface LinksReading extends NetdevsReading {
  readonly source: LinkSource;
}

export interface LinkReader {
  /** Rejects when it is not known which devices there are, and with the signal's reason when that is aborted. */
  read(signal: AbortSignal): Promise<LinksReading>;
}

/** For trees of files, which no tool knows. */
export function sysfsLinkReader(options: SysfsOptions): LinkReader {
  return { read: async (signal) => ({ ...(await observeNetdevs(options, signal)), source: { kind: 'sysfs' } }) };
}
