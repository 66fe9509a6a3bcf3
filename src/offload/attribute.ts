/**
 * Gives each object its share of hardware and software: counters of its representor first, flows second, and a verdict that
 * claims no more than they prove. Pure. What it returns serves as the evidence of `OffloadDesk` and has the rows for the API.
 */

import { flowReasons, isApart, type FlowReason } from './flow-reasons.js';
import { FlowShares, type CountedShares, type FlowSummary, type Tally } from './flow-summary.js';
import type { OffloadObject } from './offload-objects.js';
import { offloadReasons, type OffloadJudgement, type OffloadReason, type OffloadVerdict } from './offload.js';
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
  /**
   * What the flows of the newest dump say, since each was made; undefined: there was none. Of a chain those that come in at
   * one of its ports, so that none is counted twice.
   */
  readonly flows: CountedShares | undefined;
  /** Why flows are in software, by packets, the most first; without control traffic and warm-up. */
  readonly reasons: readonly ReasonShare[];
  /** Chains that use one of its ports too: their packets are in these numbers. */
  readonly sharedWith: readonly string[];
}

export interface AttributionInput {
  readonly objects: readonly OffloadObject[];
  /** The newest dump, complete. */
  readonly dump?: Pick<FlowSummary, 'ports'> | undefined;
  /** Whether the dump has all flows. One of software flows alone tells reasons, and nothing of shares. */
  readonly isWhole: boolean;
  /** By port: what the counters of its representor say over their window. */
  readonly counters: (port: string) => RatioReading | undefined;
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
    const rows = input.objects.map((object) => objectRow(object, input, chainsByPort));
    const hops = new Map<string, AttributedRow[]>();
    for (const [index, row] of rows.entries()) {
      const chain = input.objects[index]?.chain;
      if (chain !== undefined) hops.set(chain, [...(hops.get(chain) ?? []), row]);
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

function objectRow(
  { key, kind, name, port, chain }: OffloadObject,
  input: AttributionInput,
  chainsByPort: ReadonlyMap<string, ReadonlySet<string>>,
): AttributedRow {
  const counters = input.counters(port);
  const shares = input.dump === undefined ? undefined : portShares(port, input.dump);
  const measured = measure(counters, shares, input.isWhole, input.before?.get(key));
  return {
    key,
    kind,
    name,
    ports: [port],
    judgement: measured.judgement,
    source: measured.source,
    hardwareShare: measured.hardwareShare,
    counters,
    flows: shares?.counted,
    reasons: topReasons(shares),
    sharedWith: [...(chainsByPort.get(port) ?? [])].filter((other) => other !== chain),
  };
}

/** Flows in and out of a port; none is counted twice. */
function portShares(port: string, dump: Pick<FlowSummary, 'ports'>): FlowShares {
  const shares = new FlowShares();
  const flows = dump.ports.get(port);
  if (flows === undefined) return shares;
  shares.merge(flows.incoming);
  shares.merge(flows.outgoing);
  return shares;
}

function topReasons(shares: FlowShares | undefined): readonly ReasonShare[] {
  if (shares === undefined) return [];
  return flowReasons
    .filter((reason) => !isApart(reason))
    .map((reason) => ({ reason, ...shares.reason(reason) }))
    .filter(({ flows }) => flows > 0)
    .sort((a, b) => b.packets - a.packets || b.flows - a.flows)
    .slice(0, reasonsMax);
}

function judged(verdict: OffloadVerdict, reason: OffloadReason, detail: string): OffloadJudgement {
  return { verdict, reason, message: detail === '' ? offloadReasons[reason] : `${offloadReasons[reason]} ${detail}` };
}

const reasonOfVerdict = { hardware: 'InHardware', partial: 'InPart', software: 'InSoftware' } as const;

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function measure(
  counters: RatioReading | undefined,
  shares: FlowShares | undefined,
  isWhole: boolean,
  before: OffloadVerdict | undefined,
): Measured {
  if (counters?.kind === 'ratio') return byCounters(counters, before);
  if (counters !== undefined && counters.because !== 'short') {
    return { judgement: judged('unknown', 'NoTraffic', ''), source: 'counters' };
  }
  if (shares !== undefined && isWhole) return byFlows(shares.counted, before);
  if (counters !== undefined) return { judgement: judged('unknown', 'WatchedTooShort', ''), source: 'counters' };
  return { judgement: judged('unknown', 'NotMeasured', ''), source: 'none' };
}

function byCounters(
  { hardwareShare, hardwarePackets, softwarePackets, spanMs }: RatioReading & { kind: 'ratio' },
  before: OffloadVerdict | undefined,
): Measured {
  const verdict = verdictOf(hardwareShare, before);
  const packets = hardwarePackets + softwarePackets;
  const detail = `Counters of its port: ${percent(hardwareShare)} of ${packets} packets in ${Math.round(spanMs / 1000)} s.`;
  return { judgement: judged(verdict, reasonOfVerdict[verdict], detail), source: 'counters', hardwareShare };
}

/**
 * By the flows. Those of which nothing is proven could be either: a verdict holds only if it holds both ways. (On TC the
 * packets of a flow in hardware include those that TC saw on the CPU, so a share by flows is never too small.)
 */
function byFlows({ hardware, software, unknown }: CountedShares, before: OffloadVerdict | undefined): Measured {
  const known = hardware.packets + software.packets;
  const all = known + unknown.packets;
  if (all === 0) return { judgement: judged('unknown', 'NoTraffic', ''), source: 'flows' };
  const least = verdictOf(hardware.packets / all, before);
  const most = verdictOf((hardware.packets + unknown.packets) / all, before);
  if (least !== most) return { judgement: judged('unknown', 'TierUnknown', ''), source: 'flows' };
  const hardwareShare = known === 0 ? undefined : hardware.packets / known;
  const flows = hardware.flows + software.flows;
  const detail = `Flows: ${percent(hardwareShare ?? 0)} of ${known} packets of ${flows} flows since they were made.`;
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
  const shares = input.dump === undefined ? undefined : chainShares(ports, input.dump);
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
    reasons: topReasons(shares),
    sharedWith: [...new Set(others)].filter((other) => other !== key),
  };
}

/** Flows that come in at one of the ports: each is counted once, where it enters. */
function chainShares(ports: readonly string[], dump: Pick<FlowSummary, 'ports'>): FlowShares {
  const shares = new FlowShares();
  for (const port of ports) {
    const flows = dump.ports.get(port);
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
