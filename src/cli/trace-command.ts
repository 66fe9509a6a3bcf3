/** `dpuctl trace`: asks ovs-vswitchd what it would do with a packet, on its control socket. */

import type { ChainPortView, ChainSwitchView, ChainView } from '../chain/chain-view.js';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { findControlSocket, UnixctlClient } from '../unixctl/index.js';
import { usage } from './arguments.js';
import type { Packet } from '../chain/trace/packet.js';
import { SwitchLook } from './switch-look.js';
import { walkChain, type PortFacts, type TraceResult, type TraceSource } from '../chain/trace/walk.js';

interface Start {
  readonly switch: ChainSwitchView;
  readonly port: ChainPortView;
}

/** The names under which a person may mean a port. */
function namesOf({ switch: entry, port }: Start): readonly string[] {
  const ownName = port.key.split('/').slice(2).join('/');
  const names = [port.key, `${entry.name}/${ownName}`, ownName, port.words, port.interface, port.target?.interface];
  return names.filter((name) => name !== undefined);
}

/**
 * The port that is meant by `from`, by default the first of the chain.
 * @throws AgentError USAGE when it is none, or several
 */
export function findStart(chain: ChainView, from: string | undefined): Start {
  const all = chain.switches.flatMap((entry) => entry.ports.map((port) => ({ switch: entry, port })));
  const found = from === undefined ? all.slice(0, 1) : all.filter((start) => namesOf(start).includes(from));
  const [start, second] = found;
  if (start !== undefined && second === undefined) return start;
  const list = all.map(({ port }) => `${safeText(port.interface ?? '(none)')} = ${safeText(port.key)}`).join(', ');
  const problem = start === undefined ? 'is no port of' : 'is more than one port of';
  throw usage(`"${safeText(from ?? '')}" ${problem} chain ${safeText(chain.intent.name)}`, `Its ports: ${list}.`);
}

const linkDown = 1;

/** Ports of a bridge that does not answer stay without name: the trace is worth showing all the same. */
async function portFacts(look: SwitchLook, bridge: string): Promise<ReadonlyMap<number, PortFacts>> {
  try {
    const descs = await look.portDescs(bridge);
    return new Map([...descs].map(([port, { name, state }]) => [port, { name, isDown: (state & linkDown) !== 0 }]));
  } catch (error) {
    if (error instanceof AgentError) return new Map();
    throw error;
  }
}

/** @throws AgentError USAGE for a port that is not one, UNIXCTL_REFUSED, and what the connection throws */
export async function traceChain(
  chain: ChainView,
  packet: Packet,
  from: string | undefined,
  ovsRunDir: string,
  clock: Clock,
): Promise<TraceResult> {
  const start = findStart(chain, from);
  const client = await UnixctlClient.connect(await findControlSocket(ovsRunDir, 'ovs-vswitchd'), { clock });
  const look = new SwitchLook(ovsRunDir, clock);
  const source: TraceSource = {
    trace: (bridge, flow) => client.call('ofproto/trace', [bridge, flow]),
    ports: (bridge) => portFacts(look, bridge),
  };
  try {
    return await walkChain(chain, packet, source, start.switch, start.port);
  } finally {
    client.close();
    look.close();
  }
}
