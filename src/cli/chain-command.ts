/** `dpuctl chain`: looks at a chain twice and draws it with what passed in between. */

import type { DirectionCounters } from '../agent/api-view.js';
import { drawChain, type PortTraffic, type Traffic } from '../chain/draw-chain.js';
import { ObjectKind } from '../gen/proto/dpu/agent/v1/common_pb.js';
import {
  ExplainService,
  LookAtChainResponseSchema,
  type ChainPortLook,
  type LookAtChainResponse,
} from '../gen/proto/dpu/agent/v1/explain_pb.js';
import type { Counters } from '../gen/proto/dpu/agent/v1/stats_pb.js';
import { TopologyObjectSchema, type TopologyObject } from '../gen/proto/dpu/agent/v1/topology_pb.js';
import { delay } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { exitNotReady } from './command-context.js';
import { parseSeconds } from './command-line.js';
import type { CommandInput, CtlContext } from './command-spec.js';
import { decodeChain, decodeCondition, wallMsOf } from './decode.js';
import { selectObjects } from './get-command.js';
import { isForPeople, printData, toPlain } from './output.js';
import { chainsOf, isReady, nameOf, readTopology, type Chained } from './topology-read.js';

const intervalMsDefault = 1_000;
const intervalSecondsMax = 3_600;

/** Growth per second; unknown when the counter began anew. */
function perSecond(before: bigint | undefined, after: bigint | undefined, ms: number): number | undefined {
  if (before === undefined || after === undefined || after < before || ms <= 0) return undefined;
  return (Number(after - before) * 1_000) / ms;
}

function traffic(before: DirectionCounters | undefined, after: DirectionCounters, ms: number): Traffic {
  const { packets, bytes, drops } = after;
  const bytesPerSecond = perSecond(before?.bytes, bytes, ms);
  return {
    packets,
    bytes,
    drops,
    packetsPerSecond: perSecond(before?.packets, packets, ms),
    bitsPerSecond: bytesPerSecond === undefined ? undefined : bytesPerSecond * 8,
  };
}

type Pick2 = (port: ChainPortLook) => { readonly received: Counters; readonly sent: Counters } | undefined;

/** What passed each port that `pick` knows counters of; without an earlier look there are no rates. */
function trafficOf(
  before: LookAtChainResponse | undefined,
  after: LookAtChainResponse,
  pick: Pick2,
): ReadonlyMap<string, PortTraffic> {
  const ms = (wallMsOf(after.observedAt) ?? 0) - (wallMsOf(before?.observedAt) ?? 0);
  const firsts = new Map(before?.ports.map((port) => [port.key, pick(port)]));
  const result = new Map<string, PortTraffic>();
  for (const port of after.ports) {
    const counted = pick(port);
    if (counted === undefined) continue;
    const first = firsts.get(port.key);
    const received = traffic(first?.received, counted.received, ms);
    result.set(port.key, { received, sent: traffic(first?.sent, counted.sent, ms) });
  }
  return result;
}

const ownWays: Pick2 = ({ received, sent }) => (received && sent ? { received, sent } : undefined);
const legWays: Pick2 = ({ legReceived, legSent }) =>
  legReceived && legSent ? { received: legReceived, sent: legSent } : undefined;

/** The picture as text. */
export function formatPicture(
  { object, chain }: Chained,
  before: LookAtChainResponse | undefined,
  after: LookAtChainResponse,
): string {
  const drawing = drawChain({
    chain: decodeChain(nameOf(object), chain),
    conditions: object.conditions.map(decodeCondition),
    traffic: trafficOf(before, after, ownWays),
    legs: trafficOf(before, after, legWays),
    stations: new Map(after.switches.map(({ index, stationCount }) => [index, stationCount])),
  });
  return `${drawing}\n▶ into the chain  ◀ out of it\n`;
}

function requireInForce(objects: readonly TopologyObject[], name: string): Chained {
  const [found] = chainsOf(selectObjects('chains', objects, name));
  if (found !== undefined && found.chain.switches.length > 0) return found;
  const [condition] = found?.object.conditions ?? [];
  const why = condition === undefined ? '' : `: ${safeText(condition.message, 600)}`;
  throw new AgentError('NOT_FOUND', `chain ${safeText(name)} is not in force${why}`, {
    remedy: 'Correct the chain; dpuctl chains shows it.',
  });
}

export async function chain(context: CtlContext, { args, options }: CommandInput): Promise<number> {
  const { connection, signal, clock } = context;
  const [name = ''] = args;
  const given = options['interval'];
  const intervalMs =
    typeof given === 'string' ? parseSeconds('interval', given, 0, intervalSecondsMax) : intervalMsDefault;
  const service = connection.service(ExplainService);
  const found = requireInForce((await readTopology(context, ObjectKind.CHAIN)).objects, name);
  const first = await service.lookAtChain({ name }, { signal });
  const isTwice = intervalMs > 0 && first.problems.length === 0;
  if (isTwice) await delay(clock, intervalMs, signal);
  const last = isTwice ? await service.lookAtChain({ name }, { signal }) : first;
  const before = isTwice ? first : undefined;
  if (isForPeople(context)) context.print(formatPicture(found, before, last));
  else {
    const looks = before === undefined ? [last] : [before, last];
    await printData(context, {
      chain: toPlain(TopologyObjectSchema, found.object),
      looks: looks.map((look) => toPlain(LookAtChainResponseSchema, look)),
    });
  }
  const [problem] = last.problems;
  if (problem !== undefined) {
    throw new AgentError('NOT_CONNECTED', safeText(problem, 1_000), {
      remedy: 'See whether the bridge is there and ovs-vswitchd runs: ovs-vsctl list-br, ovs-appctl version.',
    });
  }
  return isReady(found.object) ? 0 : exitNotReady;
}
