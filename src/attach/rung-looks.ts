/**
 * What is seen at each rung of the ladder on which the agent's own verdict does not break it: values for a person, and the few
 * contradictions that the agent's loop does not look for. Pure; `explain.ts` climbs.
 */

import { safeText } from '../lib/text.js';
import { formatSpan } from './age-text.js';
import type { AttachmentView, PodFacts } from './attachment-view.js';
import type { AttachSummary, Diagnosis, FlowCount, OffloadLook, RungLook, RungName } from './ladder.js';
import { annotationCommand, flowsCommand, ifaceIdCommand, podCommand } from './look-commands.js';
import { offloadRung, whyNotRung } from './offload-rungs.js';
import type { Subject } from './reason-rungs.js';
import { broken, look, type RungValues, type RungWhen } from './rung-look.js';

export interface LookContext {
  readonly facts: PodFacts;
  readonly view: AttachmentView;
  readonly attach: AttachSummary;
  readonly nowWallMs: number;
  readonly flows: FlowCount | undefined;
  readonly offload: OffloadLook | undefined;
  readonly subject: Subject;
}

/** As tools of container runtimes shorten the name of a sandbox. */
const sandboxShownMax = 13;

/** A rung that the agent's verdict breaks. */
export function brokenBy(diagnosis: Diagnosis, { view, attach }: LookContext): RungLook {
  const values = { ...view.evidence, device: view.device, 'held by': view.heldBy };
  return look('broken', '', values, { wallMs: attach.wallMs }, diagnosis);
}

const lookedAt = ({ attach }: LookContext): RungWhen => ({ wallMs: attach.wallMs });

/** What was read last stays while the API server is away, and grows old. */
function readAt({ cluster, wallMs }: AttachSummary): RungWhen {
  return { wallMs: cluster.kind === 'stale' ? cluster.sinceWallMs : wallMs };
}

export function podLook({ facts, attach }: Pick<LookContext, 'facts' | 'attach'>): RungLook {
  const phase = facts.isTerminal ? ', has ended' : facts.isDeleting ? ', being deleted' : '';
  const host = facts.isHostNetwork ? ', in the network of its host' : '';
  return look('ok', `listed, uid ${facts.uid}${phase}${host}`, { uid: facts.uid }, readAt(attach));
}

export function nodeLook({ facts, attach }: Pick<LookContext, 'facts' | 'attach'>): RungLook {
  const values = { pod: facts.nodeName, served: attach.nodeName };
  const when = readAt(attach);
  if (attach.nodeName === undefined) return look('unknown', `${facts.nodeName}; nobody says which node`, values, when);
  if (attach.nodeName === facts.nodeName) return look('ok', `${facts.nodeName}, whose DPU this is`, values, when);
  return broken(facts.nodeName, values, when, {
    isWaiting: false,
    cause: `The pod is on ${safeText(facts.nodeName)}, and this is the DPU of ${safeText(attach.nodeName)}.`,
    remedy: 'Ask on the DPU of that node; or correct hostCluster.nodeName or external_ids:host-k8s-nodename.',
    command: podCommand(facts, '-o', 'wide'),
  });
}

function functionName({ pf, vf }: AttachmentView): string | undefined {
  return pf === undefined || vf === undefined ? undefined : `VF ${vf} of PF ${pf}`;
}

function detailsLook({ view, attach }: LookContext): RungLook {
  const asked = functionName(view);
  if (asked === undefined) return look('ok', 'there', {}, readAt(attach));
  const { pf, vf, sandboxId } = view;
  const values = { pf, vf, sandbox: sandboxId };
  const sandbox = sandboxId === undefined ? '' : `, sandbox ${sandboxId.slice(0, sandboxShownMax)}`;
  return look('ok', `asks for ${asked}${sandbox}`, values, { wallMs: view.sinceWallMs, when: 'since' });
}

function claimLook(context: LookContext): RungLook {
  const { view } = context;
  const asked = functionName(view) ?? 'the function';
  if (view.device === undefined) return look('unknown', `settled once a device stands for ${asked}`, {}, {});
  return look('ok', `${asked} is this pod's`, {}, lookedAt(context));
}

function representorLook(context: LookContext): RungLook {
  const { device } = context.view;
  if (device === undefined) return look('unknown', 'not looked for yet', {}, {});
  return look('ok', device, { device }, lookedAt(context));
}

function networkLook(context: LookContext): RungLook {
  const { view, facts } = context;
  const mac = view.evidence['attached_mac'];
  if (mac !== undefined) return look('ok', `MAC ${mac}`, { mac }, lookedAt(context));
  if (!facts.addressed.includes(view.nadKey)) return look('unknown', 'no address has been seen yet', {}, {});
  return look('ok', 'the host cluster gave an address', {}, lookedAt(context));
}

/** The lease in words. */
export function leaseText({ lease }: Pick<AttachSummary, 'lease'>, nowWallMs: number): string {
  switch (lease.kind) {
    case 'disabled':
      return 'no lease';
    case 'unknown':
      return `lease unknown: ${safeText(lease.message)}`;
    case 'foreign':
      return `lease renewed by ${safeText(lease.holder)}, last ${formatSpan(nowWallMs - lease.seenWallMs)} ago`;
    case 'held': {
      const { renewedWallMs, message } = lease;
      const words = message === undefined ? '' : ` (${safeText(message)})`;
      if (renewedWallMs === undefined) return `lease not renewed${words}`;
      return `lease renewed ${formatSpan(nowWallMs - renewedWallMs)} ago${words}`;
    }
  }
}

const modeTexts: Readonly<Record<AttachSummary['mode'], string>> = {
  on: 'the agent plugs',
  observe: 'the agent only observes: somebody else plugs',
  bootGrace: 'the agent has just started and writes nothing yet',
  standby: 'another agent of the same owner has the lock',
  leaseForeign: 'another writer renews the lease',
  leaseUnknown: 'the lease has not been read yet',
  blind: 'the agent cannot see Open vSwitch now',
};

function leaseLook(context: LookContext): RungLook {
  const { attach, nowWallMs } = context;
  const isUsual = attach.mode === 'on' || attach.mode === 'observe';
  const values = { mode: attach.mode, lease: attach.lease.kind, 'clock skew': skewText(attach) };
  const seen = `${modeTexts[attach.mode]}; ${leaseText(attach, nowWallMs)}`;
  return look(isUsual ? 'ok' : 'unknown', seen, values, lookedAt(context));
}

/** A smaller difference is not told, ms: it is measured to about half a second, as the server tells its time in seconds. */
const skewShownMsMin = 2_000;

/** How far the server's clock is from this machine's, in words; undefined when they agree as far as can be seen. */
export function skewText({ clockSkewMs }: Pick<AttachSummary, 'clockSkewMs'>): string | undefined {
  if (clockSkewMs === undefined || Math.abs(clockSkewMs) < skewShownMsMin) return undefined;
  const seconds = Math.round(Math.abs(clockSkewMs) / 1_000);
  return `${seconds} s ${clockSkewMs < 0 ? 'behind' : 'ahead'}`;
}

function portLook(context: LookContext): RungLook {
  const { view, subject } = context;
  if (!view.isPlugged) return look('unknown', 'not in the database', {}, lookedAt(context));
  const type = view.evidence['type'];
  const words = type === undefined ? '' : `, type ${type}`;
  return look('ok', `${view.device ?? 'the port'} on ${subject.bridge}${words}`, { type }, lookedAt(context));
}

/** A value that the agent has judged good, because its verdict lies beyond it. */
function judged(context: LookContext, seen: string, values: RungValues): RungLook {
  const state = context.view.isPlugged ? 'ok' : 'unknown';
  return look(state, state === 'ok' ? seen : 'not in the database', values, lookedAt(context));
}

function ofportLook(context: LookContext): RungLook {
  const { ofport, error } = context.view.evidence;
  return judged(context, ofport ?? '?', { ofport, error });
}

function linkLook(context: LookContext): RungLook {
  const { link_state: state, operstate, mtu } = context.view.evidence;
  const words = mtu === undefined ? '' : `, MTU ${mtu}`;
  // Only the simulator's functions are ready without a carrier: the host switches them on after it was told Ready.
  const link = state === 'up' ? 'up' : `${state ?? 'not known'}, which is borne of a simulated function`;
  return judged(context, `${link}${words}`, { link_state: state, operstate, mtu });
}

function ifaceIdLook(context: LookContext): RungLook {
  const { view, subject } = context;
  const { 'iface-id': id, 'iface-id-ver': uid, sandbox, attached_mac: mac, function_mac: functionMac } = view.evidence;
  const values = { 'iface-id': id, 'iface-id-ver': uid, sandbox, attached_mac: mac, function_mac: functionMac };
  if (view.isPlugged && id !== undefined && view.ifaceId !== undefined && id !== view.ifaceId) {
    return broken(id, values, lookedAt(context), {
      isWaiting: false,
      cause: `The port carries iface-id ${safeText(id)}, and the pod's is ${safeText(view.ifaceId)}.`,
      remedy: 'Find out who changed it; OVN gives the port the flows of another pod.',
      command: ifaceIdCommand(subject),
    });
  }
  return judged(context, `iface-id ${id ?? '?'}`, values);
}

function ovnLook(context: LookContext): RungLook {
  const installed = context.view.evidence['ovn-installed'];
  const values = { 'ovn-installed': installed };
  if (installed === 'true') return judged(context, 'ovn-installed=true', values);
  return judged(context, 'not asked for (attach.ovnInstalled: ignore)', values);
}

function flowsLook({ flows, view, subject }: LookContext): RungLook {
  if (flows?.kind !== 'counted') {
    const why = flows === undefined ? '' : `: ${safeText(flows.message, 200)}`;
    return look('unknown', `not asked${why}`, {}, {});
  }
  const { taking, sending, wallMs } = flows;
  const seen = `${taking} take packets from it, ${sending} send to it`;
  const values = { taking, sending };
  // Where OVN has no say, a port may do without flows of its own (one that learns, for example).
  if (taking > 0) return look(sending > 0 ? 'ok' : 'unknown', seen, values, { wallMs });
  if (view.evidence['ovn-installed'] !== 'true') return look('unknown', seen, values, { wallMs });
  const { ofport } = view.evidence;
  return broken(
    seen,
    values,
    { wallMs },
    {
      isWaiting: false,
      cause: `OVN says ovn-installed, and no flow of ${safeText(subject.bridge)} takes packets from port ${safeText(ofport ?? '?')}.`,
      remedy: 'See whether ovn-controller runs; ovn-appctl -t ovn-controller recompute has it write its flows again.',
      command: flowsCommand(subject, ofport),
    },
  );
}

function statusLook(context: LookContext): RungLook {
  const { view, attach } = context;
  const when = readAt(attach);
  const values = { shown: view.shown, wanted: view.wanted };
  if (view.shown === 'Ready') return look('ok', 'Ready', values, when);
  if (view.reason !== 'Ready') return look('unknown', view.shown ?? 'none', values, when);
  return broken(view.shown ?? 'none', values, when, statusDiagnosis(context));
}

/** All evidence is there, and the pod has not been told: its CNI still waits, or has failed. */
function statusDiagnosis({ view, attach, facts, subject }: LookContext): Omit<Diagnosis, 'reason'> {
  const said = view.shown === undefined ? 'says nothing yet' : `still says "${safeText(view.shown, 200)}"`;
  const cause = `The port has all evidence, but the pod's connection-status ${said}`;
  const command = annotationCommand(facts, 'dpu.connection-status');
  if (attach.mode === 'observe') {
    const remedy =
      'Read the log of ovnkube-node (mode dpu) on this DPU: it writes the status, and this agent only observes.';
    return { isWaiting: true, cause: `${cause}.`, remedy, command };
  }
  if (attach.mode !== 'on') {
    const remedy = 'It is written as soon as the agent may write again; dpuctl status says why it may not.';
    return { isWaiting: true, cause: `${cause}, and the agent writes nothing now (${subject.mode}).`, remedy, command };
  }
  const { lastError } = attach.statuses;
  if (lastError === undefined) return { isWaiting: true, cause: `${cause}.`, remedy: 'Wait a moment.', command };
  return {
    isWaiting: false,
    cause: `${cause}; the last write of a status failed: ${safeText(lastError, 300)}`,
    remedy: 'Let the agent reach the API server and patch pods/status.',
    command: 'kubectl auth can-i patch pods --subresource=status -A',
  };
}

/** What is seen at a rung. */
export const rungLooks: Readonly<Record<RungName, (context: LookContext) => RungLook>> = {
  pod: podLook,
  node: nodeLook,
  details: detailsLook,
  claim: claimLook,
  representor: representorLook,
  network: networkLook,
  lease: leaseLook,
  port: portLook,
  ofport: ofportLook,
  link: linkLook,
  ifaceId: ifaceIdLook,
  ovn: ovnLook,
  flows: flowsLook,
  status: statusLook,
  offload: ({ offload }) => offloadRung(offload),
  whyNot: ({ offload, facts: { namespace, name } }) =>
    whyNotRung(offload, { kind: 'pod', name: `${namespace}/${name}` }),
};
