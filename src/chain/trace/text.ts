/** A walk through a chain in words: hop by hop, and at the end what came of the packet. Foreign text is escaped and bounded. */

import type { ChainView } from '../chain-view.js';
import { safeText } from '../../lib/text.js';
import { formatObject, type Condition } from '../../model/condition.js';
import { describePacket, type Packet } from './packet.js';
import type { TraceStep } from './output.js';
import { isMiss, tableName } from './verdict.js';
import type { TraceHop, TraceHopExit, TracePort, TraceResult } from './walk.js';

const stepsShownMax = 30;
const exitsShownMax = 60;

function describePort(port: TracePort): string {
  const number = port.ofport > 0xfeff ? '' : ` #${port.ofport}`;
  const words = port.words === undefined ? '' : ` (${port.words})`;
  return `${safeText(port.name ?? 'port')}${number}${words}`;
}

function lookupTitle(step: TraceStep, chain: ChainView): string {
  const { table, rule, cookie } = step;
  if (isMiss(step)) return `table ${table}: no flow matches`;
  const name = tableName(table);
  const isOwn = cookie !== undefined && cookie === chain.cookie;
  const label = `table ${table}${isOwn && name !== undefined ? ` ${name}` : ''}`;
  const shown = rule.replace(/, cookie 0x[0-9a-f]+/, '');
  const whose = cookie === undefined ? '' : isOwn ? ' · of this chain' : ` · cookie ${cookie}`;
  return `${label}: ${safeText(shown, 200)}${whose}`;
}

/** One look-up in one line: `table 0 classify: in_port=1, priority 100 · of this chain → output:2`. */
export function describeLookup(step: TraceStep, chain: ChainView): string {
  const actions = isMiss(step) ? [] : step.actions.map(({ text }) => safeText(text, 200)).filter((text) => text !== '');
  return `${lookupTitle(step, chain)}${actions.length === 0 ? '' : ` → ${actions.join(', ')}`}`;
}

function describeStep(step: TraceStep, chain: ChainView): readonly string[] {
  const title = `     ${lookupTitle(step, chain)}`;
  if (isMiss(step)) return [title];
  const lines = step.actions.flatMap(({ text, notes }) => [
    ...(text === '' ? [] : [`         ${safeText(text, 200)}`]),
    ...notes.map((note) => `           ${safeText(note, 200)}`),
  ]);
  return [title, ...lines];
}

function describeExit(exit: TraceHopExit): string {
  const port = describePort(exit);
  if (exit.problem !== undefined) return `   ✗ not out at ${port}: ${exit.problem}`;
  const onward = exit.entersBridge === undefined ? '' : `, to ${safeText(exit.entersBridge)}`;
  return `   → out at ${port}${onward}`;
}

function bounded(lines: readonly string[], countMax: number): readonly string[] {
  return lines.length <= countMax ? lines : [...lines.slice(0, countMax), `     … and ${lines.length - countMax} more`];
}

function describeHop(hop: TraceHop, number: number, chain: ChainView): readonly string[] {
  const place = hop.switch === undefined ? '' : `switch ${safeText(hop.switch)} on `;
  const enters = hop.enters === undefined ? '' : `, in at ${describePort(hop.enters)}`;
  const through =
    hop.service === undefined ? [] : [`   … service ${safeText(hop.service)}, taken to pass it on unchanged`];
  const steps = hop.steps.slice(0, stepsShownMax).flatMap((step) => describeStep(step, chain));
  return [
    ...through,
    `${number}  ${place}${safeText(hop.bridge)}${enters}`,
    ...steps,
    ...(hop.steps.length > stepsShownMax ? [`     … and ${hop.steps.length - stepsShownMax} more look-ups`] : []),
    ...bounded(hop.exits.map(describeExit), exitsShownMax),
    ...hop.opaque.map((action) => `   → handed to ${safeText(action, 80)}`),
    ...(hop.death === undefined ? [] : [`   ✗ dies here: ${hop.death}`]),
  ];
}

function hopName(hop: TraceHop): string {
  return hop.switch === undefined ? safeText(hop.bridge) : `switch ${safeText(hop.switch)} on ${safeText(hop.bridge)}`;
}

/** One line: delivered where, or dead at which hop and why. */
export function formatFate({ hops, fate }: TraceResult): string {
  const ends = hops.flatMap(({ exits, opaque }) => [
    ...exits
      .filter(({ problem, entersBridge, service }) => (problem ?? entersBridge ?? service) === undefined)
      .map((exit) => `${describePort(exit)} on ${safeText(exit.bridge)}`),
    ...opaque.map((action) => safeText(action, 80)),
  ]);
  const deaths = hops.flatMap((hop, index) =>
    hop.death === undefined ? [] : [`hop ${index + 1}, ${hopName(hop)}: ${hop.death}`],
  );
  const delivered = `DELIVERED to ${bounded(ends, 12).join('; ')}.\n`;
  if (fate === 'delivered') return delivered;
  const dead = deaths.map((death) => `DIES at ${death}.\n`).join('');
  return fate === 'partly' ? `${delivered}${dead}` : dead === '' ? 'DIES: it comes to no end.\n' : dead;
}

/** The whole walk. `conditions` are those of the chain and its ports; what is not ready is said first. */
export function formatTrace(
  chain: ChainView,
  packet: Packet,
  result: TraceResult,
  conditions: readonly Condition[] = [],
): string {
  const unready = conditions
    .filter(({ state }) => state !== 'ready')
    .map(({ object, reason, message }) => `! ${formatObject(object)}: ${reason}: ${message}\n`);
  const head = `${describePacket(packet)} through chain ${safeText(chain.intent.name)}\n${unready.join('')}`;
  const hops = result.hops.flatMap((hop, index) => describeHop(hop, index + 1, chain));
  return `${head}\n${hops.join('\n')}\n\n${formatFate(result)}`;
}
