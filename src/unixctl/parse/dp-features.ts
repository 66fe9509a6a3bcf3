/**
 * `dpif/show-dp-features BRIDGE`: what the datapath under a bridge can do, as ovs-vswitchd found by trying (ofproto-dpif.c). Tested
 * with 3.1.
 */

import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

export interface DpFeatures {
  /** By name as printed: `CT state NAT` is true, `Max VLAN headers` a number. */
  readonly features: ReadonlyMap<string, boolean | number>;
  readonly unknown: UnknownLines;
}

export function parseDpFeatures(text: string): DpFeatures {
  const features = new Map<string, boolean | number>();
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const [, name = '', value = ''] = /^(\S.*?): (Yes|No|\d+)$/.exec(line) ?? [];
    if (name === '') unknown.add(line);
    else features.set(name, value === 'Yes' ? true : value === 'No' ? false : Number(value));
  }
  return { features, unknown: unknown.result };
}
