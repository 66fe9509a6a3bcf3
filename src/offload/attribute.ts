/**
 * Gives each object its share of hardware and software: counters of its representor first, flows second, and a verdict that
 * claims no more than they prove. Pure. What it returns serves as the evidence of `OffloadDesk` and has the rows for the API.
 */

import { dataReasons, type FlowReason } from './flow-reasons.js';
import type { GrownPackets } from './flow-marks.js';
import { FlowShares, type CountedShares, type FlowSummary, type Tally } from './flow-summary.js';
import type { OffloadObject } from './offload-objects.js';
import { offloadReasons, type OffloadJudgement, type OffloadReason, type OffloadVerdict } from './offload.js';
import type { CarriedPackets } from './port-counters.js';
import { verdictOf, type RatioReading } from './ratio-window.js';

export interface ReasonShare extends Tally {
  readonly reason: FlowReason;
}

export interface AttributedRow {
  readonly key: string;
  readonly kind: OffloadObject['kind'] | 'chain';
  readonly name: string;
  /** Ports of the datapath, each once. */
  readonly ports: readonly string[];
  readonly judgement: OffloadJudgement;
  /** What the verdict rests on. */
  readonly source: 'counters' | 'flows' | 'none';
  /** Packets of hardware by all that count, 0 to 1; undefined: not known. Of a chain that of its weakest hop. */
  readonly hardwareShare: number | undefined;
  /** What the counters of the representor say; undefined: nobody reads them. */
  readonly counters: RatioReading | undefined;
  /** By the same counters since somebody looks; undefined: nobody reads them, or it is a chain. */
  readonly carried?: CarriedPackets | undefined;
  /**
   * What the flows of the newest whole dump say, since each was made, which is no share of anything; undefined: there was none. Of a chain those that come in at
   * one of its ports, so that none is counted twice.
   */
  readonly flows: CountedShares | undefined;
  /** Why flows are in software, by packets, the most first; without control traffic and warm-up. */
  readonly reasons: readonly ReasonShare[];
  /** Chains that use one of its ports too: their packets are in these numbers. */
  readonly sharedWith: readonly string[];
}

type PortDump = Pick<FlowSummary['ports'], 'get'>;

export interface GrownFlows {
  /** Between the two dumps, ms. */
  readonly spanMs: number;
  /** Since the newer one, ms. */
  readonly ageMs: number;
  /** Of flows in and out of a port. */
  readonly port: (name: string) => GrownPackets;
}

export interface AttributionInput {
  readonly objects: readonly OffloadObject[];
  /** The dump for shares. */
  readonly dump?: PortDump | undefined;
  /** Whether the dump has all flows. One of software flows alone tells reasons, and nothing of shares. */
  readonly isWhole: boolean;
  /** The dump for reasons, where there is a newer one of software flows alone. Default: `dump`. */
  readonly reasons?: PortDump | undefined;
  /** What passed between the last two whole dumps. Default: there are no two. */
  readonly growth?: GrownFlows | undefined;
  /** By port: what the counters of its representor say over their window. */
  readonly counters: (port: string) => RatioReading | undefined;
  /** By port: packets since somebody looks. Default: nobody counts. */
  readonly carried?: ((port: string) => CarriedPackets | undefined) | undefined;
  /** The verdict that stands, by key of the object: it is left later than it is reached. */
  readonly before?: ReadonlyMap<string, OffloadVerdict> | undefined;
}

/** How many reasons a row has. */
const reasonsMax = 5;

/** The evidence of one moment. */
export class Attribution {
  /** Ports, networks of pods, hops, then chains. */
  readonly rows: readonly AttributedRow[];
  readonly #byKey: ReadonlyMap<string, AttributedRow>;

  constructor(input: AttributionInput) {
    const chainsByPort = chainsOf(input.objects);
    const evidence = portEvidence(input);
    const rows = input.objects.map((object) => objectRow(object, evidence(object.port), input, chainsByPort));
    const hops = new Map<string, AttributedRow[]>();
    for (const [index, row] of rows.entries()) {
      const chain = input.objects[index]?.chain;
      if (chain === undefined) continue;
      const members = hops.get(chain);
      if (members === undefined) hops.set(chain, [row]);
      else members.push(row);
    }
    const chains = [...hops].map(([key, members]) => chainRow(key, members, input, chainsByPort));
    this.rows = [...rows, ...chains];
    this.#byKey = new Map(this.rows.map((row) => [row.key, row]));
  }

  /** Undefined: nobody has looked at it. */
  interface(name: string): OffloadJudgement | undefined {
    return this.#measured(`port/${name}`);
  }

  /** Undefined: nobody has looked at any of its hops. */
  chain(name: string): OffloadJudgement | undefined {
    return this.#measured(`chain/${name}`);
  }

  row(key: string): AttributedRow | undefined {
    return this.#byKey.get(key);
  }

  /** For the next one's `before`. */
  get verdicts(): ReadonlyMap<string, OffloadVerdict> {
    return new Map(this.rows.map(({ key, judgement }) => [key, judgement.verdict]));
  }

  #measured(key: string): OffloadJudgement | undefined {
    const judgement = this.#byKey.get(key)?.judgement;
    return judgement?.reason === 'NotMeasured' ? undefined : judgement;
  }
}

function chainsOf(objects: readonly OffloadObject[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { port, chain } of objects) {
    if (chain !== undefined) found.set(port, (found.get(port) ?? new Set()).add(chain));
  }
  return found;
}

/** What one object's verdict is made of. */
interface Measured {
  readonly judgement: OffloadJudgement;
  readonly source: AttributedRow['source'];
  readonly hardwareShare?: number | undefined;
}

/** What is known of one port. */
interface PortEvidence {
  readonly counters: RatioReading | undefined;
  /** Of all flows in and out; undefined: there was no whole dump. */
  readonly flows: CountedShares | undefined;
  readonly grown: (GrownPackets & Pick<GrownFlows, 'spanMs' | 'ageMs'>) | undefined;
  readonly reasons: readonly ReasonShare[];
}

/** Of a port that no flow uses, as most do not on a quiet node; it is only read. */
const noShares = new FlowShares();
const noFlows = noShares.counted;

/** Looks at each port once, however many objects use it. */
function portEvidence({
  dump,
  isWhole,
  reasons = dump,
  counters,
  growth,
}: AttributionInput): (port: string) => PortEvidence {
  const seen = new Map<string, PortEvidence>();
  return (port) => {
    const before = seen.get(port);
    if (before !== undefined) return before;
    const shares = dump === undefined ? undefined : portShares(port, dump);
    const newer = reasons === undefined || reasons === dump ? shares : portShares(port, reasons);
    const counted = shares === noShares ? noFlows : shares?.counted;
    const flows = isWhole ? counted : undefined;
    const grown = growth === undefined ? undefined : { ...growth, ...growth.port(port) };
    const found = { counters: counters(port), flows, grown, reasons: topReasons(newer) };
    seen.set(port, found);
    return found;
  };
}

function objectRow(
  { key, kind, name, port, chain }: OffloadObject,
  evidence: PortEvidence,
  { before, carried }: AttributionInput,
  chainsByPort: ReadonlyMap<string, ReadonlySet<string>>,
): AttributedRow {
  const { counters, flows, reasons } = evidence;
  const measured = measure(evidence, before?.get(key));
  return {
    key,
    kind,
    name,
    ports: [port],
    judgement: measured.judgement,
    source: measured.source,
    hardwareShare: measured.hardwareShare,
    counters,
    carried: carried?.(port),
    flows,
    reasons,
    sharedWith: [...(chainsByPort.get(port) ?? [])].filter((other) => other !== chain),
  };
}

/** Flows in and out of a port; none is counted twice. */
function portShares(port: string, dump: PortDump): FlowShares {
  const flows = dump.get(port);
  if (flows === undefined) return noShares;
  const shares = new FlowShares();
  shares.merge(flows.incoming);
  shares.merge(flows.outgoing);
  return shares;
}

function topReasons(shares: FlowShares | undefined): readonly ReasonShare[] {
  if (shares === undefined || shares === noShares) return [];
  const found: ReasonShare[] = [];
  for (const reason of dataReasons) {
    const tally = shares.reason(reason);
    if (tally.flows > 0) found.push({ reason, ...tally });
  }
  return found.sort((a, b) => b.packets - a.packets || b.flows - a.flows).slice(0, reasonsMax);
}

function judged(verdict: OffloadVerdict, reason: OffloadReason, detail: string): OffloadJudgement {
  return { verdict, reason, message: detail === '' ? offloadReasons[reason] : `${offloadReasons[reason]} ${detail}` };
}

const reasonOfVerdict = { hardware: 'InHardware', partial: 'InPart', software: 'InSoftware' } as const;

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Counters that say something, else flows, else why the counters say nothing. */
function measure({ counters, flows, grown }: PortEvidence, before: OffloadVerdict | undefined): Measured {
  if (counters?.kind === 'ratio') return byCounters(counters, before);
  if (counters?.because === 'idle') return { judgement: judged('unknown', 'NoTraffic', ''), source: 'counters' };
  if (flows !== undefined) return grown === undefined ? byOneDump(flows) : byFlows(grown, before);
  if (counters === undefined) return { judgement: judged('unknown', 'NotMeasured', ''), source: 'none' };
  const reason = counters.because === 'few' ? 'NoTraffic' : 'WatchedTooShort';
  return { judgement: judged('unknown', reason, ''), source: 'counters' };
}

/** What rounds to the same as `hardwareShare` is not worth a second number. */
const evenDifferenceMin = 0.001;

/**
 * What hardware carried at least decides. That it is little is no proof that software carried nearly all: where traffic that
 * is even would mean otherwise, the pairs of counters are too far apart to say.
 */
function byCounters(ratio: RatioReading & { kind: 'ratio' }, before: OffloadVerdict | undefined): Measured {
  const { hardwareShare, evenShare, hardwarePackets, softwarePackets, spanMs } = ratio;
  const packets = hardwarePackets + softwarePackets;
  const even = evenShare - hardwareShare < evenDifferenceMin ? '' : `, ${percent(evenShare)} if traffic was even`;
  const inTime = `of ${packets} packets in ${Math.round(spanMs / 1000)} s`;
  const detail = `Counters of its port: at least ${percent(hardwareShare)} ${inTime}${even}.`;
  const verdict = provenBy(ratio, before);
  const reason = verdict === 'unknown' ? 'WatchedTooShort' : reasonOfVerdict[verdict];
  return { judgement: judged(verdict, reason, detail), source: 'counters', hardwareShare };
}

function provenBy(
  { hardwareShare, evenShare }: RatioReading & { kind: 'ratio' },
  before: OffloadVerdict | undefined,
): OffloadVerdict {
  const least = verdictOf(hardwareShare, before);
  if (least !== 'software' || verdictOf(evenShare, before) === 'software') return least;
  return hardwareShare > 0 ? 'partial' : 'unknown';
}

/**
 * Counters of a flow go on while it moves into hardware, so one dump does not tell where its packets were carried: neither of
 * a flow that is in hardware now, nor of one that is in software.
 */
function byOneDump({ hardware, software, unknown }: CountedShares): Measured {
  if (hardware.flows + software.flows + unknown.flows === 0) {
    return { judgement: judged('unknown', 'NoTraffic', ''), source: 'flows' };
  }
  const detail = `Flows now: ${hardware.flows} in hardware, ${software.flows} in software; what passes tells the next dump.`;
  return { judgement: judged('unknown', 'WatchedTooShort', detail), source: 'flows' };
}

/**
 * By what passed between two dumps. Packets of which nothing is proven could be either's: a verdict holds only if it holds both
 * ways. (On TC the packets of a flow in hardware include those that TC saw on the CPU, so a share by flows is never too small.)
 */
function byFlows(
  { hardware, software, unknown, moved, spanMs, ageMs }: GrownPackets & Pick<GrownFlows, 'spanMs' | 'ageMs'>,
  before: OffloadVerdict | undefined,
): Measured {
  const known = hardware + software;
  const all = known + unknown + moved;
  if (all === 0) return { judgement: judged('unknown', 'NoTraffic', ''), source: 'flows' };
  const least = verdictOf(hardware / all, before);
  const most = verdictOf((hardware + unknown + moved) / all, before);
  if (least !== most) {
    const reason = unknown > 0 ? 'TierUnknown' : 'WatchedTooShort';
    return { judgement: judged('unknown', reason, ''), source: 'flows' };
  }
  const hardwareShare = known === 0 ? undefined : hardware / known;
  const inTime = `in ${Math.round(spanMs / 1000)} s, until ${Math.round(ageMs / 1000)} s ago`;
  const detail = `Flows: ${percent(hardwareShare ?? 0)} of ${known} packets ${inTime}.`;
  return { judgement: judged(least, reasonOfVerdict[least], detail), source: 'flows', hardwareShare };
}

/** Every packet of a chain crosses all of its hops: it is in hardware only where each hop is. */
function chainRow(
  key: string,
  hops: readonly AttributedRow[],
  input: AttributionInput,
  chainsByPort: ReadonlyMap<string, ReadonlySet<string>>,
): AttributedRow {
  const ports = [...new Set(hops.flatMap((hop) => hop.ports))];
  const { dump, isWhole, reasons = dump } = input;
  const shares = dump === undefined || !isWhole ? undefined : chainShares(ports, dump);
  const newer =
    reasons === undefined ? undefined : reasons === dump && shares !== undefined ? shares : chainShares(ports, reasons);
  const weakest = hops
    .filter(({ hardwareShare }) => hardwareShare !== undefined)
    .reduce<AttributedRow | undefined>(
      (low, hop) => (low !== undefined && (low.hardwareShare ?? 1) <= (hop.hardwareShare ?? 1) ? low : hop),
      undefined,
    );
  const others = ports.flatMap((port) => [...(chainsByPort.get(port) ?? [])]);
  return {
    key,
    kind: 'chain',
    name: key.slice('chain/'.length),
    ports,
    judgement: chainJudgement(hops, weakest),
    source: chainSource(hops),
    hardwareShare: weakest?.hardwareShare,
    counters: undefined,
    flows: shares?.counted,
    reasons: topReasons(newer),
    sharedWith: [...new Set(others)].filter((other) => other !== key),
  };
}

/** Flows that come in at one of the ports: each is counted once, where it enters. */
function chainShares(ports: readonly string[], dump: PortDump): FlowShares {
  const shares = new FlowShares();
  for (const port of ports) {
    const flows = dump.get(port);
    if (flows !== undefined) shares.merge(flows.incoming);
  }
  return shares;
}

function chainSource(hops: readonly AttributedRow[]): AttributedRow['source'] {
  const sources = new Set(hops.map(({ source }) => source));
  if (sources.has('flows')) return 'flows';
  return sources.has('counters') ? 'counters' : 'none';
}

function chainJudgement(hops: readonly AttributedRow[], weakest: AttributedRow | undefined): OffloadJudgement {
  const verdicts = new Set(hops.map(({ judgement }) => judgement.verdict).filter((verdict) => verdict !== 'unknown'));
  // A hop without traffic says nothing against the others; one that could not be judged does.
  const doubtful = hops.find(({ judgement }) => judgement.verdict === 'unknown' && judgement.reason !== 'NoTraffic')
    ?.judgement.reason;
  const detail =
    weakest === undefined ? '' : `Weakest hop: ${weakest.name} with ${percent(weakest.hardwareShare ?? 0)}.`;
  const [only] = verdicts;
  if (only === undefined) return judged('unknown', doubtful ?? 'NoTraffic', '');
  if (verdicts.size > 1 || only === 'partial') return judged('partial', 'InPart', detail);
  if (doubtful !== undefined) return judged('unknown', doubtful, detail);
  return judged(only, reasonOfVerdict[only], detail);
}
