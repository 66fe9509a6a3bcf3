#!/usr/bin/env node
/**
 * `dpuctl`: looks at a running agent on the same machine. Reads the status that the agent shows in its run directory, and
 * says how old it is: a file is not a proof of life. What chains carry it asks Open vSwitch itself. Changes nothing.
 */

import { readFileSync } from 'node:fs';
import type { AgentStatus } from '../agent/status.js';
import type { Explanation } from '../attach/ladder.js';
import { systemClock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { formatAttachState } from './attach-text.js';
import { helpText, parseInvocation, type CtlCommand, type CtlInvocation } from './arguments.js';
import { conditionsOf, formatPicture, pictureChain, pictureToJson } from './chain-command.js';
import { chainConditions, formatChains } from './chains-text.js';
import { defaultPacket, parsePacket } from '../chain/trace/packet.js';
import { arePodsReady, formatPods, sortPods } from './pods-text.js';
import { attachOf, readPods, type PodsContent } from './read-pods.js';
import { findChain, isStale, readStatus } from './read-status.js';
import { formatAge, formatJournalEntry, formatStatus } from './status-text.js';
import { traceChain } from './trace-command.js';
import { formatTrace } from '../chain/trace/text.js';
import { explain, type PodQuestion } from './why-command.js';
import { accountOf, formatAccount, isAccountReady } from './why-object.js';
import { formatExplanation } from './why-text.js';

const exitNotReady = 3;
const noPods: PodsContent = { wallMs: 0, pods: [] };

function print(text: string): void {
  process.stdout.write(text);
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** How old the status is, in words; beside JSON on the other stream, where it disturbs no parser. */
function ageOf(status: AgentStatus): string {
  return formatAge(systemClock.wallMs() - status.wallMs, status.freshMs);
}

function warnWhenStale(status: AgentStatus): void {
  if (isStale(status, systemClock.wallMs())) process.stderr.write(`dpuctl: ${ageOf(status)}`);
}

function showStatus(status: AgentStatus, isJson: boolean): number {
  print(isJson ? json(status) : `${formatStatus(status)}\n${ageOf(status)}`);
  return status.isReady && !isStale(status, systemClock.wallMs()) ? 0 : exitNotReady;
}

function showJournal({ journal }: AgentStatus, isJson: boolean): number {
  print(isJson ? json(journal) : journal.map(formatJournalEntry).join(''));
  return 0;
}

function showChains(status: AgentStatus, isJson: boolean): number {
  const conditions = chainConditions(status);
  print(isJson ? json({ conditions, chains: status.chains }) : `${formatChains(status)}\n${ageOf(status)}`);
  const isReady = conditions.every(({ state }) => state === 'ready');
  return isReady && !isStale(status, systemClock.wallMs()) ? 0 : exitNotReady;
}

async function showChain(
  status: AgentStatus,
  { chain: name, intervalMs }: Extract<CtlCommand, { kind: 'chain' }>,
  { isJson, ovsRunDir }: CtlInvocation,
): Promise<number> {
  warnWhenStale(status);
  const chain = findChain(status, name);
  const picture = await pictureChain(status, chain, ovsRunDir ?? status.ovsRunDir, intervalMs, systemClock);
  print(isJson ? pictureToJson(picture) : formatPicture(picture));
  const [silent] = picture.silent;
  if (silent !== undefined) throw silent;
  return picture.drawing.conditions.every(({ state }) => state === 'ready') ? 0 : exitNotReady;
}

async function showTrace(
  status: AgentStatus,
  { chain: name, from, packet: text }: Extract<CtlCommand, { kind: 'trace' }>,
  { isJson, ovsRunDir }: CtlInvocation,
): Promise<number> {
  const packet = text === undefined ? defaultPacket : parsePacket(text);
  warnWhenStale(status);
  const chain = findChain(status, name);
  const result = await traceChain(chain, packet, from, ovsRunDir ?? status.ovsRunDir, systemClock);
  print(
    isJson
      ? json({ chain: chain.intent.name, packet, ...result })
      : formatTrace(chain, packet, result, conditionsOf(status, chain)),
  );
  return result.fate === 'dies' ? exitNotReady : 0;
}

function showPods(
  status: AgentStatus,
  { isWide, isFailingFirst }: Extract<CtlCommand, { kind: 'pods' }>,
  { isJson, runDir }: CtlInvocation,
): number {
  const attach = attachOf(status);
  const content = readPods(runDir);
  const nowWallMs = systemClock.wallMs();
  if (isJson) {
    warnWhenStale(status);
    print(json({ ...content, pods: sortPods(content.pods) }));
  } else {
    const table = formatPods(content, { isWide, isFailingFirst, nowWallMs });
    print(`${formatAttachState(attach, nowWallMs)}\n${table}\n${ageOf(status)}`);
  }
  const isFresh = !isStale(status, nowWallMs) && attach.cluster.kind !== 'connecting';
  return isFresh && arePodsReady(content.pods) ? 0 : exitNotReady;
}

async function showWhyPod(
  status: AgentStatus,
  question: PodQuestion,
  { isJson, runDir, ovsRunDir }: CtlInvocation,
): Promise<number> {
  const attach = attachOf(status);
  const explanation = await explain(status, readPods(runDir), question, ovsRunDir ?? status.ovsRunDir, systemClock);
  const nowWallMs = systemClock.wallMs();
  if (isJson) {
    warnWhenStale(status);
    print(json({ wallMs: status.wallMs, isStale: isStale(status, nowWallMs), ...explanation }));
  } else {
    print(`${formatAttachState(attach, nowWallMs)}${formatExplanation(explanation)}\n${ageOf(status)}`);
  }
  return explanation.isOk && !isStale(status, nowWallMs) ? 0 : exitNotReady;
}

/** The networks of pods that are plugged by a device, or want to be. */
function podsBy(device: string, { pods }: PodsContent): readonly PodQuestion[] {
  return pods.flatMap(({ namespace, name, attachments }) =>
    attachments.filter((view) => view.device === device).map(({ nadKey: network }) => ({ namespace, name, network })),
  );
}

async function showWhyObject(
  status: AgentStatus,
  { object, name }: Extract<CtlCommand, { kind: 'whyObject' }>,
  invocation: CtlInvocation,
): Promise<number> {
  const content = object === 'port' && status.attach !== undefined ? readPods(invocation.runDir) : noPods;
  const pods = podsBy(name, content);
  const account = accountOf(status, object, name, pods.length > 0);
  const ovsRunDir = invocation.ovsRunDir ?? status.ovsRunDir;
  const explanations: Explanation[] = [];
  for (const pod of pods) explanations.push(await explain(status, content, pod, ovsRunDir, systemClock));
  if (invocation.isJson) {
    warnWhenStale(status);
    print(json({ ...account, pods: explanations }));
  } else {
    print([formatAccount(account), ...explanations.map(formatExplanation), ageOf(status)].join('\n'));
  }
  const isReady = isAccountReady(account) && explanations.every(({ isOk }) => isOk);
  return isReady && !isStale(status, systemClock.wallMs()) ? 0 : exitNotReady;
}

function showVersion(): number {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  print(`dpuctl ${(JSON.parse(text) as { version: string }).version}\n`);
  return 0;
}

async function perform(invocation: CtlInvocation): Promise<number> {
  const { command, isJson, runDir } = invocation;
  switch (command.kind) {
    case 'help':
      print(helpText);
      return 0;
    case 'version':
      return showVersion();
    case 'status':
      return showStatus(readStatus(runDir), isJson);
    case 'journal':
      return showJournal(readStatus(runDir), isJson);
    case 'chains':
      return showChains(readStatus(runDir), isJson);
    case 'chain':
      return showChain(readStatus(runDir), command, invocation);
    case 'trace':
      return showTrace(readStatus(runDir), command, invocation);
    case 'pods':
      return showPods(readStatus(runDir), command, invocation);
    case 'whyPod':
      return showWhyPod(readStatus(runDir), command, invocation);
    case 'whyObject':
      return showWhyObject(readStatus(runDir), command, invocation);
  }
}

try {
  process.exitCode = await perform(parseInvocation(process.argv.slice(2), process.env));
} catch (error) {
  if (!(error instanceof AgentError)) throw error;
  process.stderr.write(`dpuctl: ${error.code}: ${safeText(error.message, 1_000)}\n  ${error.remedy ?? ''}\n`);
  process.exitCode = error.code === 'USAGE' ? 2 : 1;
}
