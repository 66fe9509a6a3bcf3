/**
 * Draws a chain for a terminal: every switch, every port with what it is, its number, and what passes it in both
 * directions. Text from data; rates and counters come from the caller, who has seen the ports twice.
 */

import { safeText } from '../lib/text.js';
import type { Condition } from '../model/condition.js';
import type { ChainPortView, ChainShape, ChainSwitchView } from './chain-view.js';

/** One direction of one port. What is not known is absent. */
export interface Traffic {
  readonly packets?: bigint | undefined;
  readonly bytes?: bigint | undefined;
  readonly drops?: bigint | undefined;
  readonly packetsPerSecond?: number | undefined;
  readonly bitsPerSecond?: number | undefined;
}

/** `received` enters the chain at this port, `sent` leaves it there. */
export interface PortTraffic {
  readonly received: Traffic;
  readonly sent: Traffic;
}

export interface Drawing {
  readonly chain: ChainShape;
  /** Conditions of the chain and its ports; others are ignored. */
  readonly conditions: readonly Condition[];
  /** By key of the port, or by interface name on the chain's bridge. */
  readonly traffic: ReadonlyMap<string, PortTraffic>;
  /** By key of the port: of the selected interface, where a patch pair of the agent stands in between. */
  readonly legs?: ReadonlyMap<string, PortTraffic>;
  /** Stations learned, by switch index. */
  readonly stations: ReadonlyMap<number, number>;
}

const prefixes = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/** `1.2 M`, three digits at most before the prefix. */
function scaled(value: number): string {
  let rest = value;
  let power = 0;
  while (rest >= 1000 && power < prefixes.length - 1) {
    rest /= 1000;
    power += 1;
  }
  const digits = power === 0 || rest >= 100 ? Math.round(rest).toString() : rest.toFixed(1);
  return `${digits} ${prefixes[power] ?? ''}`;
}

const orUnknown = (value: bigint | number | undefined, unit: string): string =>
  `${value === undefined ? '? ' : scaled(Number(value))}${unit}`;

function drawTraffic(arrow: string, traffic: Traffic | undefined): string {
  if (traffic === undefined) return `${arrow} (no counters)`;
  const cells = [
    orUnknown(traffic.packetsPerSecond, 'p/s').padStart(9),
    orUnknown(traffic.bitsPerSecond, 'bit/s').padStart(11),
    orUnknown(traffic.packets, 'packets').padStart(13),
    orUnknown(traffic.bytes, 'B').padStart(8),
    orUnknown(traffic.drops, 'dropped').padStart(11),
  ];
  return `${arrow} ${cells.join('  ')}`;
}

function describeWire(port: ChainPortView): string {
  const { wire } = port;
  return wire.kind === 'any' ? '' : wire.kind === 'tag' ? ` VLAN ${wire.vid}` : ' untagged';
}

function describePort(port: ChainPortView): string {
  const where = port.interface === undefined ? '(none)' : safeText(port.interface);
  const number = port.ofport === undefined ? '#?' : `#${port.ofport}`;
  const behind =
    port.target === undefined ? '' : ` → ${safeText(port.target.interface)} on ${safeText(port.target.bridge)}`;
  return `${where} ${number}${describeWire(port)}${behind}`;
}

const marks = { ready: '●', waiting: '○', failed: '✗' } as const;

/** The selected interface beyond the patch pair that the agent made: a hop of its own, with counters of its own. */
function drawLeg({ key, leg }: ChainPortView, drawing: Drawing, width: number): readonly string[] {
  if (leg === undefined || drawing.legs === undefined) return [];
  const traffic = drawing.legs.get(key);
  const number = leg.targetOfport === undefined ? '#?' : `#${leg.targetOfport}`;
  const left = `  ↳ ${safeText(leg.bridge)}: ${safeText(leg.patch)} ↔ ${safeText(leg.target)} ${number}`;
  return [
    `  ${left.padEnd(width)}  ${drawTraffic('▶', traffic?.received)}`,
    `  ${''.padEnd(width)}  ${drawTraffic('◀', traffic?.sent)}`,
  ];
}

function drawPort(port: ChainPortView, drawing: Drawing, width: number): readonly string[] {
  const condition = drawing.conditions.find(({ object }) => object.kind === 'chainPort' && object.name === port.key);
  const traffic = drawing.traffic.get(port.key) ?? drawing.traffic.get(port.interface ?? '');
  const mark = condition === undefined ? ' ' : marks[condition.state];
  const left = `${describePort(port)}  ${port.words}`;
  const lines = [
    `${mark} ${left.padEnd(width)}  ${drawTraffic('▶', traffic?.received)}`,
    `  ${''.padEnd(width)}  ${drawTraffic('◀', traffic?.sent)}`,
    ...drawLeg(port, drawing, width),
  ];
  const isFine = condition === undefined || condition.state === 'ready';
  return isFine ? lines : [...lines, `    ${condition.reason}: ${condition.message}`];
}

function drawSwitch(entry: ChainSwitchView, drawing: Drawing, width: number): readonly string[] {
  const isCross = entry.ports.length === 2;
  const stations = drawing.stations.get(entry.index);
  const known = isCross || stations === undefined ? '' : `, ${stations} station(s) learned`;
  const title = `├─ switch ${safeText(entry.name)}: ${isCross ? 'cross-connect' : `learning switch of ${entry.ports.length} ports`}${known}`;
  const body = entry.ports.flatMap((port, place) => {
    const isLast = place === entry.ports.length - 1;
    const [first = '', ...rest] = drawPort(port, drawing, width);
    return [`│  ${isLast ? '└' : '├'}─${first}`, ...rest.map((line) => `│  ${isLast ? ' ' : '│'} ${line}`)];
  });
  return [title, ...body];
}

/** The chain as lines of text, the last one ended too. No colours; foreign names are escaped. */
export function drawChain(drawing: Drawing): string {
  const { intent, switches } = drawing.chain;
  const own = drawing.conditions.find(({ object }) => object.kind === 'chain' && object.name === intent.name);
  const details = [
    `on ${safeText(intent.bridge)}`,
    ...(intent.mtu === undefined ? [] : [`MTU ${intent.mtu}`]),
    ...(intent.tenant === undefined ? [] : [`tenant ${safeText(intent.tenant)}`]),
  ];
  const head = `chain ${safeText(intent.name)} (${details.join(', ')})`;
  const state = own === undefined ? [] : [`│  ${marks[own.state]} ${own.reason}: ${own.message}`];
  const ports = switches.flatMap((entry) => entry.ports);
  const width = Math.max(...ports.map((port) => `${describePort(port)}  ${port.words}`.length), 0);
  const body = switches.flatMap((entry) => drawSwitch(entry, drawing, width));
  return `${[head, ...state, ...body].join('\n')}\n`;
}
