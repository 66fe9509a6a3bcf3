/** `dpuctl chain`: looks at a chain twice and draws it with what passed in between. */

import type { AgentStatus } from '../agent/status.js';
import type { ChainView } from '../chain/chain-view.js';
import { drawChain, type Drawing } from '../chain/draw-chain.js';
import { delay, type Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import type { Condition } from '../model/condition.js';
import { bridgesOf, SwitchLook } from './switch-look.js';
import { chainTraffic, learnedStations, legTraffic, type BridgeLook, type Looks } from './traffic.js';

export interface ChainPicture {
  readonly drawing: Drawing;
  readonly cookie: string | undefined;
  /** Bridges that did not answer; their counters are missing. */
  readonly silent: readonly AgentError[];
}

/** Conditions of the chain and its ports. */
export function conditionsOf(status: AgentStatus, chain: ChainView): readonly Condition[] {
  const { name } = chain.intent;
  const keys = new Set(chain.switches.flatMap((entry) => entry.ports.map(({ key }) => key)));
  return status.conditions.filter(({ object }) =>
    object.kind === 'chain' ? object.name === name : object.kind === 'chainPort' && keys.has(object.name),
  );
}

async function lookAt(
  chain: ChainView,
  look: SwitchLook,
): Promise<{ readonly looks: Looks; readonly silent: readonly AgentError[] }> {
  const looks = new Map<string, BridgeLook>();
  const silent: AgentError[] = [];
  for (const bridge of bridgesOf(chain)) {
    try {
      looks.set(bridge, await look.look(bridge, chain.cookie));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      silent.push(error);
    }
  }
  return { looks, silent };
}

/** Two looks, `intervalMs` apart; one when that is 0. A bridge that does not answer leaves its counters out. */
export async function pictureChain(
  status: AgentStatus,
  chain: ChainView,
  ovsRunDir: string,
  intervalMs: number,
  clock: Clock,
): Promise<ChainPicture> {
  const look = new SwitchLook(ovsRunDir, clock);
  try {
    const first = await lookAt(chain, look);
    const isTwice = intervalMs > 0 && first.silent.length === 0;
    if (isTwice) await delay(clock, intervalMs);
    const { looks, silent } = isTwice ? await lookAt(chain, look) : first;
    const drawing = compose(status, chain, isTwice ? first.looks : noLooks, looks);
    return { drawing, cookie: chain.cookie, silent };
  } finally {
    look.close();
  }
}

const noLooks: Looks = new Map();

function compose(status: AgentStatus, chain: ChainView, before: Looks, looks: Looks): Drawing {
  return {
    chain,
    conditions: conditionsOf(status, chain),
    traffic: chainTraffic(chain, before, looks),
    legs: legTraffic(chain, before, looks),
    stations: learnedStations(chain, looks.get(chain.intent.bridge)),
  };
}

/** Counters are far below 2^53: as numbers they are what every reader of JSON expects. */
const jsonValue = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);

/** The picture as JSON. */
export function pictureToJson({ drawing, cookie }: ChainPicture): string {
  const { chain, conditions, traffic, legs, stations } = drawing;
  const value = {
    chain: chain.intent,
    cookie,
    conditions,
    switches: chain.switches.map((entry) => ({
      ...entry,
      stations: stations.get(entry.index),
      ports: entry.ports.map((port) => ({ ...port, traffic: traffic.get(port.key), legTraffic: legs?.get(port.key) })),
    })),
  };
  return `${JSON.stringify(value, jsonValue, 2)}\n`;
}

/** The picture as text. */
export function formatPicture({ drawing }: ChainPicture): string {
  return `${drawChain(drawing)}\n▶ into the chain  ◀ out of it\n`;
}
