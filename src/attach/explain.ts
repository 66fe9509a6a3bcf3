/**
 * Climbs the ladder from a pod to its packets, rung by rung, and stops at the first broken one. Made from what the agent shows
 * alone, so that it explains a pod in mode observe as well. Pure; `dpuctl why` prints it.
 */

import { safeText } from '../lib/text.js';
import { formatSpan } from './age-text.js';
import type { AttachmentView, PodFacts } from './attachment-view.js';
import {
  rungNames,
  type AttachSummary,
  type Diagnosis,
  type ExplainInput,
  type Explanation,
  type Ladder,
  type LadderVerdict,
  type Rung,
  type RungLook,
  type RungName,
} from './ladder.js';
import { podCommand, whyLabelCommand } from './look-commands.js';
import { reasonRungs, rungOfReason, type Subject } from './reason-rungs.js';
import { skipped } from './rung-look.js';
import { brokenBy, nodeLook, podLook, rungLooks, skewText, type LookContext } from './rung-looks.js';

/** More of it makes the host refuse pods before long: it compares the lease with its own clock. */
const skewMsMax = 10_000;

function rung(name: RungName, found: RungLook, nowWallMs: number): Rung {
  const span = found.wallMs === undefined ? undefined : formatSpan(nowWallMs - found.wallMs);
  const age = span === undefined ? undefined : found.when === 'since' ? `for ${span}` : `${span} ago`;
  return { name, ...found, age };
}

/** The rungs in order; from the first broken one on nobody looks. */
function climb(looks: (name: RungName) => RungLook, nowWallMs: number): readonly Rung[] {
  let isBroken = false;
  return rungNames.map((name) => {
    const found = isBroken ? skipped : looks(name);
    isBroken ||= found.state === 'broken';
    return rung(name, found, nowWallMs);
  });
}

function subjectOf(input: ExplainInput, view: AttachmentView | undefined): Subject {
  const { attach, facts } = input;
  return {
    namespace: facts?.namespace ?? input.namespace,
    name: facts?.name ?? input.name,
    nadKey: view?.nadKey,
    nodeName: attach.nodeName,
    device: view?.device,
    ifaceId: view?.ifaceId,
    bridge: attach.bridge,
    ovsRunDir: input.ovsRunDir,
    mode: attach.mode,
    message: view?.message ?? '',
    heldBy: view?.heldBy,
    evidence: view?.evidence ?? {},
  };
}

function diagnose(view: AttachmentView, subject: Subject): Diagnosis {
  const entry = rungOfReason(view.reason);
  return {
    reason: view.reason,
    isWaiting: view.state === 'waiting',
    cause: entry.cause(subject),
    remedy: entry.remedy(subject),
    command: entry.command(subject),
  };
}

function verdictOf(rungs: readonly Rung[], isReady: boolean): LadderVerdict {
  const broken = rungs.find(({ state }) => state === 'broken');
  if (broken !== undefined) return broken.diagnosis?.isWaiting === true ? 'waiting' : 'failed';
  return isReady ? 'ready' : 'unknown';
}

function ladderOf(input: ExplainInput, facts: PodFacts, view: AttachmentView): Ladder {
  const { attach, nowWallMs } = input;
  const subject = subjectOf(input, view);
  const flows = view.device === undefined ? undefined : input.flows?.get(view.device);
  const offload = input.offload?.get(view.nadKey);
  const context: LookContext = { facts, view, attach, nowWallMs, flows, offload, subject };
  const brokenAt = view.reason === 'Ready' ? undefined : rungOfReason(view.reason).rung;
  const rungs = climb(
    (name) => (name === brokenAt ? brokenBy(diagnose(view, subject), context) : rungLooks[name](context)),
    nowWallMs,
  );
  const verdict = verdictOf(rungs, view.reason === 'Ready');
  return { nadKey: view.nadKey, verdict, rungs, notes: networkNotes(view, attach, nowWallMs) };
}

/** What does not decide, and is worth knowing. */
function networkNotes(view: AttachmentView, { mode }: AttachSummary, nowWallMs: number): readonly string[] {
  const notes: string[] = [];
  if (view.shown === 'Ready' && view.reason !== 'Ready') {
    const end = mode === 'on' ? ' It is taken back unless it is true again soon.' : '';
    notes.push(`The pod's connection-status says Ready, which is not so now.${end}`);
  }
  const { function_mac: functionMac, attached_mac: mac } = view.evidence;
  if (functionMac !== undefined && mac !== undefined && functionMac !== mac && view.reason !== 'FunctionMacDiffers') {
    notes.push(`The function has address ${functionMac}, the pod ${mac}.`);
  }
  if (view.lostWallMs !== undefined && view.reason !== 'Ready') {
    notes.push(`It was ready with these very details until ${formatSpan(nowWallMs - view.lostWallMs)} ago.`);
  }
  return notes.map((note) => safeText(note, 500));
}

/** A pod that the agent does not know. */
function unknownPod(input: ExplainInput): Ladder {
  const { attach, nowWallMs } = input;
  const { cluster } = attach;
  const subject = subjectOf(input, undefined);
  const [namespace, name] = [safeText(input.namespace, 63), safeText(input.name, 253)];
  const node = attach.nodeName === undefined ? 'the node of this DPU' : `node ${safeText(attach.nodeName, 253)}`;
  const absent = `Pod ${namespace}/${name} is not listed on ${node}`;
  const isListed = cluster.kind === 'synced';
  const [similar] = input.similar ?? [];
  const diagnosis: Diagnosis = isListed
    ? {
        reason: undefined,
        isWaiting: false,
        cause: `${absent}.`,
        remedy:
          similar === undefined
            ? 'See whether it exists and where it runs; ask on the DPU of its node.'
            : `Correct the name (there are: ${similarText(input)}), or ask on the DPU of its node.`,
        command: similar === undefined ? podCommand(subject, '-o', 'wide') : whyLabelCommand(similar),
      }
    : {
        reason: 'ClusterUnavailable',
        isWaiting: false,
        cause: `${absent}, and the host cluster cannot be asked: ${safeText(cluster.message, 300)}`,
        remedy: reasonRungs.ClusterUnavailable.remedy(subject),
        command: reasonRungs.ClusterUnavailable.command(subject),
      };
  const wallMs = cluster.kind === 'stale' ? cluster.sinceWallMs : attach.wallMs;
  const look: RungLook = { state: 'broken', seen: '', values: {}, wallMs, when: 'seen', diagnosis };
  return { nadKey: undefined, verdict: 'failed', rungs: climb(() => look, nowWallMs), notes: [] };
}

function similarText({ similar = [] }: ExplainInput): string {
  return similar
    .slice(0, 5)
    .map((label) => safeText(label, 320))
    .join(', ');
}

/** Why the agent attaches nothing for a pod of its node, and whether that is as it should be. */
function reasonForNothing(
  input: ExplainInput,
  facts: PodFacts,
): { readonly seen: string; readonly diagnosis?: Diagnosis } {
  if (facts.isTerminal) return { seen: 'not looked at: the pod has ended and needs no network' };
  if (facts.isHostNetwork) return { seen: 'none, and a pod in the network of its host needs none' };
  const network = input.network === undefined ? '' : ` for network ${safeText(input.network)}`;
  const { remedy, command } = reasonRungs.NotAttached;
  const subject = subjectOf(input, undefined);
  const diagnosis: Diagnosis = {
    reason: 'NotAttached',
    isWaiting: true,
    cause: `The pod has no connection details${network}, so nothing is to be attached.`,
    remedy: remedy(subject),
    command: command(subject),
  };
  return { seen: `no connection details${network}`, diagnosis };
}

/** A pod of the node without anything to attach. */
function nothingToAttach(input: ExplainInput, facts: PodFacts): Ladder {
  const { attach, nowWallMs } = input;
  const { seen, diagnosis } = reasonForNothing(input, facts);
  const details: RungLook = {
    state: diagnosis === undefined ? 'ok' : 'unknown',
    seen,
    values: {},
    wallMs: attach.wallMs,
    when: 'seen',
    diagnosis,
  };
  const lower: Partial<Record<RungName, RungLook>> = {
    pod: podLook({ facts, attach }),
    node: nodeLook({ facts, attach }),
    details,
  };
  const rungs = climb((name) => lower[name] ?? skipped, nowWallMs);
  const verdict = rungs.some(({ state }) => state === 'broken') ? 'failed' : 'nothing';
  return { nadKey: input.network, verdict, rungs, notes: [] };
}

/** Details are there, and the agent has said nothing of them yet: it cannot see Open vSwitch, or has not looked. */
function notJudged(input: ExplainInput, facts: PodFacts): Ladder {
  const { attach, nowWallMs } = input;
  const diagnosis: Diagnosis = {
    reason: undefined,
    isWaiting: true,
    cause: 'The agent has not judged the pod: it cannot see Open vSwitch or the devices now, or has only just started.',
    remedy: 'Look at what the agent says of Open vSwitch.',
    command: 'dpuctl status',
  };
  const details: RungLook = {
    state: 'ok',
    seen: 'there',
    values: {},
    wallMs: attach.wallMs,
    when: 'seen',
    diagnosis: undefined,
  };
  const unread: RungLook = { ...details, state: 'unknown', seen: 'not judged yet' };
  const known: Partial<Record<RungName, RungLook>> = {
    pod: podLook({ facts, attach }),
    node: nodeLook({ facts, attach }),
    details,
    port: { ...details, state: 'broken', seen: '', diagnosis },
  };
  const rungs = climb((name) => known[name] ?? unread, nowWallMs);
  return { nadKey: input.network, verdict: verdictOf(rungs, false), rungs, notes: [] };
}

function laddersOf(input: ExplainInput): readonly Ladder[] {
  const { facts, network } = input;
  if (facts === undefined) return [unknownPod(input)];
  const views = facts.attachments.filter(({ nadKey }) => network === undefined || nadKey === network);
  if (views.length > 0) return views.map((view) => ladderOf(input, facts, view));
  const isJudged = facts.details !== 'read' || facts.attachments.length > 0 || input.attach.mode !== 'blind';
  return [isJudged || facts.isTerminal ? nothingToAttach(input, facts) : notJudged(input, facts)];
}

function podNotes(facts: PodFacts): readonly string[] {
  const notes: string[] = [];
  if (facts.detailsProblem !== undefined && facts.details === 'read') {
    notes.push(`Connection details ${facts.detailsProblem}.`);
  }
  const detailed = new Set(facts.attachments.map(({ nadKey }) => nadKey));
  const bare = facts.addressed.filter((nadKey) => !detailed.has(nadKey));
  if (bare.length > 0 && detailed.size > 0) {
    notes.push(
      `The host cluster gave addresses in networks without connection details: ${bare.slice(0, 8).join(', ')}.`,
    );
  }
  for (const problem of facts.bandwidthProblems) notes.push(`Bandwidth: ${problem}`);
  if (facts.isDeleting && !facts.isTerminal)
    notes.push('The pod is being deleted; what is attached stays until it is gone.');
  return notes.map((note) => safeText(note, 600));
}

/** What is wrong with the agent's own view, whatever pod it is. */
function agentNotes({ attach, nowWallMs }: ExplainInput): readonly string[] {
  const notes: string[] = [];
  const { cluster, clockSkewMs } = attach;
  if (cluster.kind === 'stale') {
    const span = formatSpan(nowWallMs - cluster.sinceWallMs);
    notes.push(`Nothing has come from the host cluster for ${span}: ${cluster.message}`);
  }
  if (clockSkewMs !== undefined && Math.abs(clockSkewMs) > skewMsMax) {
    notes.push(
      `The API server's clock is ${skewText(attach) ?? ''} of this machine's: the host may take the lease for expired.`,
    );
  }
  return notes.map((note) => safeText(note, 600));
}

/** Explains one pod: a ladder for each of its networks, or one where there is none to speak of. */
export function explainPod(input: ExplainInput): Explanation {
  const { facts, attach } = input;
  const ladders = laddersOf(input);
  return {
    namespace: safeText(facts?.namespace ?? input.namespace, 63),
    name: safeText(facts?.name ?? input.name, 253),
    uid: facts?.uid,
    nodeName: attach.nodeName === undefined ? undefined : safeText(attach.nodeName, 253),
    isOk: ladders.every(({ verdict }) => verdict === 'ready' || verdict === 'nothing'),
    ladders,
    notes: [...(facts === undefined ? [] : podNotes(facts)), ...agentNotes(input)],
  };
}

/** The rung on which a ladder stands broken. */
export function brokenRung({ rungs }: Ladder): Rung | undefined {
  return rungs.find(({ state }) => state === 'broken');
}

/** Ports of which the flows would be of use: those that have got so far, by representor. */
export function flowQuestions(input: ExplainInput): ReadonlyMap<string, number> {
  const questions = new Map<string, number>();
  for (const { device, evidence, nadKey, isPlugged } of input.facts?.attachments ?? []) {
    const ofport = Number(evidence['ofport']);
    if (device === undefined || !isPlugged || !Number.isInteger(ofport) || ofport <= 0) continue;
    const ladder = explainPod({ ...input, network: nadKey }).ladders[0];
    if (ladder?.rungs.find(({ name }) => name === 'flows')?.state === 'unknown') questions.set(device, ofport);
  }
  return questions;
}
