/**
 * Which OpenFlow rules datapath flows were made from. A flow of the userspace datapath belongs to a thread, and the command wants
 * its number: without one it looks at the main thread only (upcall_unixctl_ofproto_detrace of ofproto-dpif-upcall.c).
 */

import { safeText } from '../lib/text.js';
import { known, unknown, type Fact } from '../model/fact.js';
import type { FlowRules } from '../offload/readings.js';
import { parseDetrace, type Detrace, type DetraceEntry } from '../unixctl/index.js';
import { isUserspace, readDatapathNames } from './datapath-names.js';
import { absentWhy, type SwitchAsker } from './switch-asker.js';
import { readPmdThreads } from './switch-slow.js';

const command = 'ofproto/detrace';
const ufidsMax = 16;
/** Searches of one call: one for each flow, and as many again for threads. The daemon does each in its main thread. */
const searchesMax = 2 * ufidsMax;
const rulesMax = 32;
const ruleLengthMax = 1024;
/** As many threads as anybody gives to packets. */
const coresMax = 32;

export async function readFlowRules(asker: SwitchAsker, ufids: readonly string[]): Promise<readonly FlowRules[]> {
  const search = new RuleSearch(asker);
  const told: FlowRules[] = [];
  for (const [at, ufid] of ufids.entries()) {
    const rules =
      at < ufidsMax ? await search.rulesOf(ufid) : unknown(`only ${ufidsMax} flows are looked up at a time`);
    told.push({ ufid, rules });
  }
  return told;
}

const tooMany = `ovs-vswitchd is spared: no more than ${searchesMax} searches are made at a time`;

/** Looks through the threads, and begins with the one that had the flow before: most nodes have one or two. */
class RuleSearch {
  readonly #asker: SwitchAsker;
  #cores: readonly number[] | undefined;
  #last: readonly string[] = [];
  #searches = 0;

  constructor(asker: SwitchAsker) {
    this.#asker = asker;
  }

  async rulesOf(ufid: string): Promise<Fact<readonly string[]>> {
    if (!this.#asker.has(command)) return unknown(`${absentWhy(command)}; it came with 3.4`);
    if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(ufid)) return unknown('it is not the name of a flow');
    if (this.#searches >= searchesMax) return unknown(tooMany);
    const first = await this.#look(ufid, this.#last);
    if (first.kind === 'unknown' || !isMissing(first.value)) return rulesFrom(first);
    for (const place of await this.#otherPlaces(first.value)) {
      if (this.#searches >= searchesMax) return unknown(tooMany);
      const next = await this.#look(ufid, place);
      if (next.kind === 'known' && isMissing(next.value)) continue;
      this.#last = place;
      return rulesFrom(next);
    }
    return unknown('ovs-vswitchd does not have this flow any more');
  }

  #look(ufid: string, place: readonly string[]): Promise<Fact<Detrace>> {
    this.#searches += 1;
    return this.#asker.fact(command, [`ufid:${ufid}`, ...place], (text) => known(parseDetrace(text)));
  }

  async #otherPlaces({ notFound }: Detrace): Promise<readonly (readonly string[])[]> {
    const places = [[], ...(notFound.some(isUserspace) ? await this.#threads() : []).map((core) => [`pmd=${core}`])];
    return places.filter((place) => place[0] !== this.#last[0]);
  }

  async #threads(): Promise<readonly number[]> {
    if (this.#cores !== undefined) return this.#cores;
    const names = await readDatapathNames(this.#asker);
    const threads = names.kind === 'unknown' ? names : await readPmdThreads(this.#asker, names.value);
    const cores =
      threads.kind === 'unknown' ? [] : threads.value.flatMap(({ core }) => (core === 'main' ? [] : [core]));
    this.#cores = [...new Set(cores)].slice(0, coresMax);
    return this.#cores;
  }
}

/** No datapath has the flow, as far as was looked. */
function isMissing({ entries, notKept, notFound }: Detrace): boolean {
  return entries.length === 0 && notKept.length === 0 && notFound.length > 0;
}

function rulesFrom(told: Fact<Detrace>): Fact<readonly string[]> {
  if (told.kind === 'unknown') return told;
  const { entries, notKept } = told.value;
  if (entries.length === 0 && notKept.length > 0) return unknown('ovs-vswitchd has not kept what it was made from');
  return known(entries.slice(0, rulesMax).map(ruleText));
}

/** Rules of several bridges can stand behind one flow. */
function ruleText({ bridge, text }: DetraceEntry): string {
  return safeText(bridge === undefined ? text : `${bridge}: ${text}`, ruleLengthMax);
}
