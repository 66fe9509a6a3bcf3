/**
 * Follows a packet through a chain: a trace from the port where it enters, and where it comes out at a service, a further
 * trace from the port where that service gives it back. What a service does with a packet nobody knows; the walk takes it
 * to pass it on unchanged, and says so. No packet is sent and nothing is learned.
 */

import { defaultCookieTag } from '../chain-id.js';
import type { ChainPortView, ChainSwitchView, ChainView } from '../chain-view.js';
import { formatTraceFlow, type Packet } from './packet.js';
import { parseTrace, type TraceOutput, type TraceStep, type TraceVisit } from './output.js';
import { judgeVisit, localPort, type VerdictContext, type VisitOutcome } from './verdict.js';

/** A port, with what is known of it. */
export interface TracePort {
  readonly bridge: string;
  readonly ofport: number;
  readonly name: string | undefined;
  /** The chain's words for it, where it is one of the chain's ports. */
  readonly words: string | undefined;
}

export interface TraceHopExit extends TracePort {
  readonly problem: string | undefined;
  readonly entersBridge: string | undefined;
  /** The service that gets the packet here and is taken to pass it on. */
  readonly service: string | undefined;
}

/** The way through one bridge. */
export interface TraceHop {
  readonly bridge: string;
  /** Name of the chain's switch; undefined on a bridge beyond the chain's. */
  readonly switch: string | undefined;
  readonly enters: TracePort | undefined;
  /** The service that is taken to have passed the packet on to here. */
  readonly service: string | undefined;
  readonly steps: readonly TraceStep[];
  readonly exits: readonly TraceHopExit[];
  readonly opaque: readonly string[];
  /** Why it dies here; undefined: it does not. */
  readonly death: string | undefined;
}

/** `delivered`: it leaves the chain; `partly`: and also dies somewhere, as copies of a flooded packet can. */
export type TraceFate = 'delivered' | 'partly' | 'dies';

export interface TraceResult {
  readonly hops: readonly TraceHop[];
  readonly fate: TraceFate;
}

export interface PortFacts {
  readonly name: string;
  readonly isDown: boolean;
}

/** What the walk needs of the switch. */
export interface TraceSource {
  /** The output of ofproto/trace. @throws AgentError */
  trace(bridge: string, flow: string): Promise<string>;
  /** By number. A bridge that does not answer has none. */
  ports(bridge: string): Promise<ReadonlyMap<number, PortFacts>>;
}

interface Entry {
  readonly switch: ChainSwitchView;
  readonly port: ChainPortView;
  readonly service: string | undefined;
}

/** Traces of one walk: a flooded packet reaches many services. */
const traceCountMax = 16;

/** `<namespace>/<pod>` of a dpf-id. */
const podOf = (port: ChainPortView): string | undefined => port.dpfId?.split('/').slice(0, 2).join('/');

/** Where a service that got the packet at `port` gives it back: the one other port of its pod in another switch. */
export function nextEntry(chain: ChainView, from: ChainSwitchView, port: ChainPortView): Entry | undefined {
  const pod = podOf(port);
  if (pod === undefined) return undefined;
  const others = chain.switches
    .filter((entry) => entry.index !== from.index)
    .flatMap((entry) => entry.ports.map((candidate) => ({ switch: entry, port: candidate, service: pod })))
    .filter(({ port: candidate }) => podOf(candidate) === pod);
  return others.length === 1 ? others[0] : undefined;
}

/** The chain's switch and port under a number; VLANs share ports, so the switch where the packet is comes first. */
function ownPort(chain: ChainView, ofport: number, at: ChainSwitchView | undefined): Entry | undefined {
  const switches = at === undefined ? chain.switches : [at, ...chain.switches.filter((entry) => entry !== at)];
  for (const entry of switches) {
    const port = entry.ports.find((candidate) => candidate.ofport === ofport);
    if (port !== undefined) return { switch: entry, port, service: undefined };
  }
  return undefined;
}

/** Where the first flow that took it says that it came in. */
function inPortOf(visit: TraceVisit): number | undefined {
  const number = visit.steps.map(({ rule }) => /\bin_port=(\d+)\b/.exec(rule)?.[1]).find((port) => port !== undefined);
  return number === undefined ? undefined : Number(number);
}

class Walk {
  readonly #chain: ChainView;
  readonly #packet: Packet;
  readonly #source: TraceSource;
  readonly #hops: TraceHop[] = [];
  readonly #queue: Entry[];
  readonly #seen = new Set<string>();
  readonly #ports = new Map<string, ReadonlyMap<number, PortFacts>>();

  constructor(chain: ChainView, packet: Packet, source: TraceSource, start: Entry) {
    this.#chain = chain;
    this.#packet = packet;
    this.#source = source;
    this.#queue = [start];
  }

  async run(): Promise<TraceResult> {
    for (let entry = this.#queue.shift(); entry !== undefined; entry = this.#queue.shift()) {
      if (this.#seen.has(entry.port.key) || this.#seen.size >= traceCountMax) continue;
      this.#seen.add(entry.port.key);
      await this.#follow(entry);
    }
    const hasDeath = this.#hops.some(({ death }) => death !== undefined);
    const hasEnd = this.#hops.some((hop) => hop.opaque.length > 0 || hop.exits.some(isEnd));
    return { hops: this.#hops, fate: !hasEnd ? 'dies' : hasDeath ? 'partly' : 'delivered' };
  }

  async #follow(entry: Entry): Promise<void> {
    const { bridge } = this.#chain.intent;
    const { port, service } = entry;
    if (port.ofport === undefined) {
      const death = `${port.words} has no OpenFlow number now: nothing can come in there`;
      this.#hops.push({ ...emptyHop, bridge, switch: entry.switch.name, service, death });
      return;
    }
    // Only where it enters the chain is the VLAN the person's word; behind a service it is that of the port.
    const packet = service === undefined ? this.#packet : { ...this.#packet, vlan: undefined };
    const output = parseTrace(await this.#source.trace(bridge, formatTraceFlow(packet, port.ofport, port.wire)));
    await this.#learnPorts(output, bridge);
    for (const index of output.visits.keys()) this.#visit(output, index, entry);
  }

  async #learnPorts({ visits }: TraceOutput, bridge: string): Promise<void> {
    for (const name of new Set([bridge, ...visits.map((visit) => visit.bridge)])) {
      if (!this.#ports.has(name)) this.#ports.set(name, await this.#source.ports(name));
    }
  }

  #visit({ visits, datapath }: TraceOutput, index: number, entry: Entry): void {
    const visit = visits[index];
    if (visit === undefined) return;
    const context: VerdictContext = {
      cookie: this.#chain.cookie,
      tag: defaultCookieTag,
      isDropped: datapath.every((actions) => actions === 'drop'),
      portProblem: (bridge, ofport) =>
        this.#ports.get(bridge)?.get(ofport)?.isDown === true ? 'its link is down' : undefined,
    };
    const outcome = judgeVisit(visits, index, context);
    const isOwn = visit.bridge === this.#chain.intent.bridge;
    const inPort = index === 0 ? entry.port.ofport : inPortOf(visit);
    const at =
      index === 0 ? entry : isOwn && inPort !== undefined ? ownPort(this.#chain, inPort, undefined) : undefined;
    this.#hops.push({
      bridge: visit.bridge,
      switch: at?.switch.name,
      enters: this.#entrance(visit, inPort, at?.port.words),
      service: index === 0 ? entry.service : undefined,
      steps: visit.steps,
      exits: this.#exits(visit.bridge, outcome, at?.switch),
      opaque: outcome.opaque,
      death: outcome.death,
    });
  }

  #exits(bridge: string, { exits }: VisitOutcome, at: ChainSwitchView | undefined): readonly TraceHopExit[] {
    return exits.map((exit) => {
      const own = bridge === this.#chain.intent.bridge ? ownPort(this.#chain, exit.ofport, at) : undefined;
      const isOut = exit.problem === undefined && exit.entersBridge === undefined;
      const next = own === undefined || !isOut ? undefined : nextEntry(this.#chain, own.switch, own.port);
      if (next !== undefined) this.#queue.push(next);
      return { ...this.#port(bridge, exit.ofport, own?.port.words), ...exit, service: next?.service };
    });
  }

  /** The flow that took it need not name the port where it came in; then the patch pair does. */
  #entrance(visit: TraceVisit, inPort: number | undefined, words: string | undefined): TracePort | undefined {
    if (inPort !== undefined) return this.#port(visit.bridge, inPort, words);
    const number = /^output:(\d+)$/.exec(visit.from?.action ?? '')?.[1];
    const far = number === undefined ? undefined : ownPort(this.#chain, Number(number), undefined)?.port.far;
    if (far?.bridge !== visit.bridge) return undefined;
    const ports = [...(this.#ports.get(visit.bridge) ?? [])];
    const ofport = ports.find(([, { name }]) => name === cutName(far.interface))?.[0];
    return ofport === undefined ? undefined : this.#port(visit.bridge, ofport, words);
  }

  /** OpenFlow cuts names; the agent's status does not. */
  #nameOf(bridge: string, ofport: number): string | undefined {
    if (ofport === localPort) return bridge;
    const cut = this.#ports.get(bridge)?.get(ofport)?.name;
    const ports = this.#chain.switches.flatMap((entry) => entry.ports);
    if (bridge === this.#chain.intent.bridge) return ports.find((port) => port.ofport === ofport)?.interface ?? cut;
    const far = ports.flatMap((port) => (port.far?.bridge === bridge ? [port.far.interface] : []));
    return far.find((name) => cutName(name) === cut) ?? cut;
  }

  #port(bridge: string, ofport: number, words: string | undefined): TracePort {
    return { bridge, ofport, name: this.#nameOf(bridge, ofport), words };
  }
}

/** As OpenFlow shows it: 15 characters at most (ofp_port, 16 bytes with the end mark). */
const cutName = (name: string): string => name.slice(0, 15);

const emptyHop = { enters: undefined, steps: [], exits: [], opaque: [] } as const;

/** Whether the packet leaves the chain for good here. */
function isEnd({ problem, entersBridge, service }: TraceHopExit): boolean {
  return problem === undefined && entersBridge === undefined && service === undefined;
}

/** Follows `packet` from `port` of `from`. */
export async function walkChain(
  chain: ChainView,
  packet: Packet,
  source: TraceSource,
  from: ChainSwitchView,
  port: ChainPortView,
): Promise<TraceResult> {
  return new Walk(chain, packet, source, { switch: from, port, service: undefined }).run();
}
