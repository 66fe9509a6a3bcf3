/**
 * The planner of attachments: pods, rows and devices give actions, changes of links, and a verdict on every network of
 * every pod. Pure, deterministic and total: nothing that a pod's annotations hold makes it throw, and what cannot be
 * understood never takes a port away.
 */

import { objectKey } from '../model/condition.js';
import type { Netdev } from '../model/netdev.js';
import type { AttachAction } from './attach-action.js';
import {
  newBuilder,
  portObject,
  say,
  type Applicant,
  type AttachInput,
  type AttachPlan,
  type Builder,
} from './attach-builder.js';
import { waitingFor, type AttachRequest, type Verdict } from './attachment.js';
import { judgeAttachment } from './judge-attachment.js';
import { planLeakedQos } from './plan-qos.js';
import { claimedTwice, readRequests, settle } from './plan-requests.js';
import { planRows } from './plan-rows.js';
import { planStale } from './plan-stale.js';
import { standsFor } from './row-identity.js';
import { wantAttachment } from './want.js';

export type { AttachInput, AttachObserved, AttachPlan } from './attach-builder.js';

/**
 * What is said of a network whose definition has yet to be read, as after a start: a port of the agent that was made from it
 * before is judged by what is seen of it.
 */
function judgeStanding(
  { input, pluggedByKey }: Builder,
  request: AttachRequest,
  netdev: Netdev,
  verdict: Verdict,
): Verdict {
  const present = pluggedByKey.get(request.key);
  const isUnread = verdict.reason === 'NetworkUnknown' && verdict.state === 'waiting';
  if (!isUnread || present?.isOwn !== true || present.port.name !== netdev.name) return verdict;
  const mac = present.main.externalIds.get('attached_mac');
  const isInPlace = present.isAlone && present.port.bridge === input.settings.bridge;
  if (mac === undefined || !isInPlace || !standsFor(present, request.identity)) return verdict;
  const { settings, observed } = input;
  return judgeAttachment({ main: present.main, netdev, mac, liveness: observed.liveness, settings });
}

/** Plans one applicant; the device that its rows are wanted on, if they are. */
function planApplicant(builder: Builder, { reading, request, grant }: Applicant): string | undefined {
  const { pod, nadKey, key } = request;
  if (grant.kind === 'denied') {
    say(builder, pod, nadKey, grant.verdict, { request });
    return undefined;
  }
  const { netdev } = grant;
  const device = netdev.name;
  const winner = builder.winners.get(device);
  if (winner !== undefined && winner !== key) {
    say(builder, pod, nadKey, claimedTwice(builder, device, winner), { request, device, heldBy: winner });
    return undefined;
  }
  const { settings, observed, findNetwork } = builder.input;
  const bridge = observed.bridges.get(settings.bridge);
  if (bridge === undefined) {
    const message = `Bridge ${settings.bridge} does not exist yet.`;
    const verdict = waitingFor('BridgeAbsent', message, 'the virtual switch is not ready');
    say(builder, pod, nadKey, verdict, { request, device });
    // What is attached to another bridge stays there meanwhile.
    return undefined;
  }
  const { root, netdevs } = observed;
  const facts = { request, device };
  const wanted = wantAttachment(reading, request, netdev, { settings, root, bridge, netdevs, findNetwork });
  // What is attached already stays so while a text that it was made from is missing.
  if (wanted.kind === 'not') say(builder, pod, nadKey, judgeStanding(builder, request, netdev, wanted.verdict), facts);
  else planRows(builder, wanted.value, bridge);
  return wanted.kind === 'not' ? undefined : device;
}

/** What the database refused lately rests, so that the others go on. */
function isRefused({ input }: Builder, action: AttachAction): boolean {
  const name = action.kind === 'dropQos' ? action.uuid : action.port;
  return input.quarantined.has(objectKey(portObject(name)));
}

/** What is to be done for the pods' networks, and what is said of each. */
export function planAttachments(input: AttachInput): AttachPlan {
  const builder = newBuilder(input);
  const applicants = [...builder.pods.values()].flatMap((pod) => readRequests(builder, pod));
  settle(builder, applicants);
  const wantedOn = new Set<string>();
  for (const applicant of applicants) {
    const device = planApplicant(builder, applicant);
    if (device !== undefined) wantedOn.add(device);
  }
  planStale(builder, wantedOn);
  planLeakedQos(builder);
  const { removals, changes, linksDown, linksUp, candidates, winners, verdicts } = builder;
  const actions = [...removals, ...changes].filter((action) => !isRefused(builder, action));
  const leaving = new Set(actions.filter(({ kind }) => kind === 'detach').map(({ port }) => port));
  return {
    actions,
    linksDown: linksDown.filter(({ name }) => leaving.has(name)),
    linksUp: linksUp.filter(({ name }) => !leaving.has(name)),
    candidates,
    holders: winners,
    verdicts,
  };
}
