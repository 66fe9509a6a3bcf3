/**
 * The conntrack commands of dpctl (dpctl.c, ct-dpif.c): `ct-get-nconns` and `ct-get-maxconns` print one number, `ct-stats-show` walks
 * all connections of the daemon and counts them by protocol, `ct-get-limits` prints the limits of zones. Tested with 3.1; the
 * second also with 3.5, 4.0.
 */

import { linesOf, numberOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

/** `dpctl/ct-get-nconns`, `dpctl/ct-get-maxconns`: connections; undefined when the answer is no number. */
export function parseCtCount(text: string): number | undefined {
  return numberOf(text);
}

export interface CtStats {
  readonly total: number | undefined;
  /** Connections by protocol as printed: `TCP`, `UDP`, `ICMP`, `Other`. What is 0 is left out. */
  readonly protocols: ReadonlyMap<string, number>;
  /** With -m: connections by protocol and state, `TCP/SYN_SENT`. */
  readonly states: ReadonlyMap<string, number>;
  readonly unknown: UnknownLines;
}

/** `dpctl/ct-stats-show [-m] [zone=N]`. */
export function parseCtStats(text: string): CtStats {
  let total: number | undefined;
  let protocol = '';
  const protocols = new Map<string, number>();
  const states = new Map<string, number>();
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const [, name = '', value] = /^\s+(\w.*?): (\d+)$/.exec(line) ?? [];
    const [, state, count] = /^\s+\[(\S+)\]=(\d+)$/.exec(line) ?? [];
    if (state !== undefined) states.set(`${protocol}/${state}`, Number(count));
    else if (value === undefined) {
      if (!/^Connections Stats:|^\s+Conn per TCP states:$/.test(line)) unknown.add(line);
    } else if (name === 'Total') total = Number(value);
    else {
      protocol = name;
      protocols.set(name, Number(value));
    }
  }
  return { total, protocols, states, unknown: unknown.result };
}

export interface CtZoneLimit {
  readonly zone: number;
  /** Connections; 0 is no limit. */
  readonly limit: number;
  readonly count: number;
}

export interface CtLimits {
  /** For zones without their own; 0 is no limit. */
  readonly defaultLimit: number | undefined;
  readonly zones: readonly CtZoneLimit[];
  readonly unknown: UnknownLines;
}

/** `dpctl/ct-get-limits [zone=N1,N2]`. */
export function parseCtLimits(text: string): CtLimits {
  let defaultLimit: number | undefined;
  const zones: CtZoneLimit[] = [];
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const fallback = /^default limit=(\d+)$/.exec(line)?.[1];
    const zone = /^zone=(\d+),limit=(\d+),count=(\d+)$/.exec(line);
    if (fallback !== undefined) defaultLimit = Number(fallback);
    else if (zone !== null) zones.push({ zone: Number(zone[1]), limit: Number(zone[2]), count: Number(zone[3]) });
    else unknown.add(line);
  }
  return { defaultLimit, zones, unknown: unknown.result };
}
