/** What became of a packet in one bridge of a trace: where it goes out, or why it ends there, in words. Pure. */

import { isOwnCookie } from '../chain-id.js';
import { priorities, tables } from '../tables.js';
import { safeText } from '../../lib/text.js';
import type { TraceAction, TraceStep, TraceVisit } from './output.js';

/** A port to which an action gives the packet. */
export interface TraceExit {
  readonly ofport: number;
  /** Why nothing leaves there. */
  readonly problem: string | undefined;
  /** The port is a patch port, and the packet is seen on this bridge next. */
  readonly entersBridge: string | undefined;
}

export interface VisitOutcome {
  readonly exits: readonly TraceExit[];
  /** Actions that hand the packet on without saying to which port: `NORMAL`, `FLOOD`, a controller. */
  readonly opaque: readonly string[];
  /** Why the packet ends in this bridge; undefined: it does not. */
  readonly death: string | undefined;
}

export interface VerdictContext {
  /** Of the chain, as printed. */
  readonly cookie: string | undefined;
  /** The agent's cookie tag. */
  readonly tag: number;
  /** Whether anything at all comes of the packet. */
  readonly isDropped: boolean;
  /** Why nothing leaves a port, where the switch knows more than the trace says: its link is down. */
  readonly portProblem: (bridge: string, ofport: number) => string | undefined;
}

const tableNames = new Map<number, string>(Object.entries(tables).map(([name, table]) => [table, name]));

/** `classify` for table 0; undefined for one that is not the agent's. */
export function tableName(table: number): string | undefined {
  return tableNames.get(table);
}

/** OFPP_LOCAL: the bridge's own port. */
export const localPort = 0xfffffffe;
const opaqueAction = /^(?:NORMAL|FLOOD|ALL|CONTROLLER|group:|ct\(|clone|userspace)/;
const skipNote = /skipping|nonexistent|not forwarded|dropp|too (?:deep|large)|over max|exceed|disabled|blocked/i;

function exitPort({ text, notes }: TraceAction): number | undefined {
  const number = /^output:(\d+)$/.exec(text)?.[1];
  if (number !== undefined) return Number(number);
  if (text === 'LOCAL') return localPort;
  if (!text.startsWith('output:')) return undefined;
  const noted = notes.map((note) => /output port is (\d+)/.exec(note)?.[1]).find((port) => port !== undefined);
  return noted === undefined ? undefined : Number(noted);
}

/** Whether nothing matched. */
export const isMiss = ({ rule, actions }: TraceStep): boolean =>
  // The hidden flows of a bridge with fail_mode secure, by which ofproto drops what no flow matches.
  rule === 'No match.' || (/^reg0=0x[123], priority 0\b/.test(rule) && actions.every(({ text }) => text === 'drop'));

function missed(step: TraceStep, bridge: string): string {
  const name = tableName(step.table);
  const where = step.table === 0 ? '' : ` in table ${step.table}${name === undefined ? '' : ` (${name})`}`;
  return `no flow of ${bridge}${where} takes it`;
}

/** What it means when one of the chain's own flows drops. */
function ownDrop({ table, priority }: TraceStep): string {
  if (table === tables.classify && priority === priorities.classifyPinned)
    return 'its sender is pinned to another port of the switch';
  if (table === tables.classify && priority === priorities.guard)
    return 'it belongs to none of the VLANs that the chains have on this port';
  if (table === tables.classify) return 'the other side has no usable port now, or the chain is closed';
  if (table === tables.admit && priority === priorities.admitGroupSource) return 'its sender is a group address';
  if (table === tables.admit) return 'its sender is pinned to another port of the switch';
  if (table === tables.settle) return 'its sender was seen behind another port, and the chain refuses moves';
  if (table === tables.deliver)
    return 'the receiver is behind the port where it came from, or the switch has no other port';
  return 'the chain drops it';
}

function dropped(step: TraceStep, { cookie, tag }: VerdictContext): string {
  const shown = step.cookie ?? '0x0';
  const name = tableName(step.table);
  if (step.cookie !== undefined && (step.cookie === cookie || isOwnCookie(BigInt(step.cookie), tag))) {
    return `${ownDrop(step)} (table ${step.table}${name === undefined ? '' : `, ${name}`})`;
  }
  return `a flow that is not the agent's drops it (table ${step.table}, cookie ${shown})`;
}

function describeDeath(visit: TraceVisit, exits: readonly TraceExit[], context: VerdictContext): string {
  const bridge = safeText(visit.bridge);
  const step = visit.steps.at(-1);
  if (step === undefined) return `${bridge} looked it up in no table: the port does not take packets`;
  const limit = visit.steps
    .flatMap(({ actions }) => actions.flatMap(({ notes }) => notes))
    .find((note) => /over max|exceed/.test(note));
  if (limit !== undefined) return `the switch gave up: ${safeText(limit, 160)}`;
  const problems = exits.flatMap(({ ofport, problem }) => (problem === undefined ? [] : [`#${ofport}: ${problem}`]));
  if (problems.length > 0) return `it leaves by no port: ${problems.join('; ')}`;
  if (isMiss(step)) return missed(step, bridge);
  if (exits.length > 0)
    return `nothing leaves by ${exits.map(({ ofport }) => `#${ofport}`).join(', ')}: a patch port without peer, or a device that is not open`;
  if (step.actions.some(({ text }) => text === 'drop')) return dropped(step, context);
  if (step.actions.length === 0) return 'the port does not take packets (no-receive), or the flow has no actions';
  return dropped(step, context);
}

/** That a flood leaves out the port where the frame came in is no problem but the rule (OpenFlow 1.5.1 section 4.5). */
function withoutReturn(exits: readonly TraceExit[]): readonly TraceExit[] {
  const rest = exits.filter(({ problem }) => problem === undefined || !/to input port/.test(problem));
  return rest.length === 0 ? exits : rest;
}

/** The outcome of visit `index` of a trace; `visits` are all of it. */
export function judgeVisit(visits: readonly TraceVisit[], index: number, context: VerdictContext): VisitOutcome {
  const visit = visits[index];
  if (visit === undefined) return { exits: [], opaque: [], death: undefined };
  const peers = visits.filter(({ from }) => from?.visit === index);
  const exits: TraceExit[] = [];
  const opaque: string[] = [];
  for (const action of visit.steps.flatMap(({ actions }) => actions)) {
    const ofport = exitPort(action);
    if (ofport === undefined) {
      if (opaqueAction.test(action.text)) opaque.push(action.text);
      continue;
    }
    const entersBridge = peers.find(({ from }) => from?.action === action.text)?.bridge;
    const skipped = action.notes.find((note) => skipNote.test(note));
    const problem = skipped === undefined ? context.portProblem(visit.bridge, ofport) : safeText(skipped, 160);
    exits.push({ ofport, problem, entersBridge });
  }
  const goesOn = exits.some(
    ({ problem, entersBridge }) => entersBridge !== undefined || (problem === undefined && !context.isDropped),
  );
  const isAlive = goesOn || peers.length > 0 || (opaque.length > 0 && !context.isDropped);
  return {
    exits: withoutReturn(exits),
    opaque,
    death: isAlive ? undefined : describeDeath(visit, withoutReturn(exits), context),
  };
}
