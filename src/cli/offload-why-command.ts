/** `dpuctl offload why`: asks the agent for everything that is known of one object, and climbs from the settings to its flows. */

import { ObjectKind } from '../gen/proto/dpu/agent/v1/common_pb.js';
import {
  OffloadRow_Verdict,
  OffloadService,
  type ListSoftwareFlowsResponse,
  type OffloadRow,
} from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { exitNotReady } from './command-context.js';
import { optionTexts } from './command-line.js';
import type { CommandInput, CtlContext } from './command-spec.js';
import { parsePodName } from './explain-commands.js';
import { offloadLadder, type OffloadLadder } from './offload-ladder.js';
import { offloadRungTitles, type OffloadRung, type OffloadSubject } from './offload-rung.js';
import { kindOf, networkOf } from './offload-words.js';
import { isForPeople, printData } from './output.js';
import { paintMarks } from './paint.js';
import { rowKinds, type RowKind } from './row-kinds.js';
import { nameOf, noSuch, readTopology } from './topology-read.js';
import { usage } from './usage.js';

/** Flows that a ladder shows of one object. */
const flowsShown = 3;

/** What a person wrote: the node, or objects of a name, of one kind or of any. */
type Asked = { readonly kind: RowKind | undefined; readonly name: string } | undefined;

/** @throws AgentError USAGE */
function askedOf([first, second]: readonly string[]): Asked {
  if (first === undefined) return undefined;
  const kind = rowKinds.find((word) => word === first || `${word}s` === first);
  if (second === undefined) {
    if (kind !== undefined) throw usage(`the name of the ${kind} is missing`, 'See dpuctl offload why --help.');
    return { kind: first.includes('/') ? 'pod' : undefined, name: first };
  }
  if (kind === undefined) {
    throw usage(`KIND is one of ${rowKinds.join(', ')}, not "${safeText(first)}"`, 'See dpuctl offload why --help.');
  }
  return { kind, name: second };
}

/**
 * The rows that are meant.
 * @throws AgentError USAGE, NOT_FOUND
 */
function pick(
  rows: readonly OffloadRow[],
  { kind, name }: NonNullable<Asked>,
  network: string | undefined,
): readonly OffloadRow[] {
  if (kind === 'pod') parsePodName(name);
  const known = rows.filter((row) => (kind === undefined ? kindOf(row) !== 'pod' : kindOf(row) === kind));
  const named = known.filter((row) => row.name === name);
  if (named.length === 0) {
    throw noSuch(kind ?? 'port or chain', name, [...new Set(known.map((row) => row.name))]);
  }
  if (kind === undefined && new Set(named.map(kindOf)).size > 1) {
    throw usage(`"${safeText(name)}" is a port and a chain`, 'Say which: dpuctl offload why port|chain NAME.');
  }
  const wanted = named.filter((row) => network === undefined || networkOf(row) === network);
  if (wanted.length > 0 || network === undefined) return wanted;
  throw noSuch(`network of ${safeText(name)}`, network, named.map(networkOf));
}

/** A part of the answer that an agent may not be able to give is no reason to give none. */
async function orWhyNot<T>(question: Promise<T>): Promise<T | string> {
  try {
    return await question;
  } catch (error) {
    if (error instanceof AgentError && error.code !== 'ABORTED') return error.message;
    throw error;
  }
}

function askFlows(
  { connection, signal }: CtlContext,
  row: OffloadRow | undefined,
): Promise<ListSoftwareFlowsResponse | string> {
  const ports = row?.measured?.ports ?? [];
  if (row !== undefined && ports.length === 0) return Promise.resolve('nobody knows its ports of the datapath');
  const request = {
    ports: [...ports],
    countMax: flowsShown,
    // Each costs ovs-vswitchd a moment, which is not worth it where all is well.
    withRules: row !== undefined && row.verdict !== OffloadRow_Verdict.HARDWARE,
  };
  return orWhyNot(connection.service(OffloadService).listSoftwareFlows(request, { signal }));
}

async function askDevices(context: CtlContext): Promise<ReadonlySet<string> | undefined> {
  const answer = await orWhyNot(readTopology(context, ObjectKind.REPRESENTOR));
  return typeof answer === 'string' ? undefined : new Set(answer.objects.map(nameOf));
}

const subjectOf = (row: OffloadRow | undefined): OffloadSubject =>
  row === undefined
    ? { kind: 'node', name: '', network: '' }
    : { kind: kindOf(row) ?? 'port', name: row.name, network: networkOf(row) };

async function ladders(
  context: CtlContext,
  asked: Asked,
  network: string | undefined,
): Promise<readonly OffloadLadder[]> {
  const { connection, signal, clock } = context;
  const service = connection.service(OffloadService);
  const [{ status }, list, devices] = await Promise.all([
    service.getOffloadStatus({}, { signal }),
    asked === undefined ? { rows: [] } : service.listOffload({}, { signal }),
    asked === undefined ? undefined : askDevices(context),
  ]);
  if (status === undefined) throw new AgentError('PEER_PROTOCOL', 'the agent answered with nothing');
  const rows = asked === undefined ? [undefined] : pick(list.rows, asked, network);
  return Promise.all(
    rows.map(async (row) => {
      const flows = await askFlows(context, row);
      return offloadLadder({ subject: subjectOf(row), status, row, flows, devices, nowWallMs: clock.wallMs() });
    }),
  );
}

const marks: Readonly<Record<OffloadRung['state'], string>> = { ok: '✓', broken: '✗', unknown: '?', advisory: '!' };

/** The ladder as text: a line for each rung, what else was seen, what can be done, and the verdict. */
export function formatOffloadLadder({ subject, rungs, sentence }: OffloadLadder): string {
  const { kind, name, network } = subject;
  const head =
    kind === 'node'
      ? 'node'
      : `${kind} ${safeText(name, 320)}${network === '' ? '' : `, network ${safeText(network, 320)}`}`;
  const width = Math.max(...Object.values(offloadRungTitles).map((title) => title.length));
  const lines = rungs.flatMap(({ name: rungName, state, seen, details, remedy }) => [
    `  ${marks[state]} ${offloadRungTitles[rungName].padEnd(width)}  ${seen}`,
    ...details.map((detail) => `      ${detail}`),
    ...(remedy === '' ? [] : [`      remedy   ${remedy}`]),
  ]);
  return `${[head, ...lines].join('\n')}\n\n${sentence}\n`;
}

const plainLadder = ({ subject, verdict, isExpected, rungs, sentence }: OffloadLadder) => ({
  ...subject,
  verdict,
  isExpected,
  rungs: rungs.map(({ name, state, seen, details, remedy }) => ({ name, state, seen, details: [...details], remedy })),
  sentence,
});

/** 0 when each is in hardware, or in software as is expected; 3 when one is not, or nobody can say. */
export async function offloadWhy(context: CtlContext, { args, options }: CommandInput): Promise<number> {
  const [network] = optionTexts(options, 'network');
  const asked = askedOf(args);
  if (network !== undefined && asked?.kind !== 'pod')
    throw usage('--network is of a pod', 'See dpuctl offload why --help.');
  const found = await ladders(context, asked, network);
  if (isForPeople(context)) context.print(paintMarks(found.map(formatOffloadLadder).join('\n'), context.paint));
  else await printData(context, { objects: found.map(plainLadder) });
  return found.every(({ verdict, isExpected }) => verdict === 'hardware' || isExpected) ? 0 : exitNotReady;
}
