/**
 * The planner of attachments: pods, rows and devices give actions, changes of links, and a verdict on every network of
 * every pod. Pure, deterministic and total: nothing that a pod's annotations hold makes it throw, and what cannot be
 * understood never takes a port away.
 */

import {
  pluggedPorts,
  say,
  type Applicant,
  type AttachInput,
  type AttachPlan,
  type Builder,
} from './attach-builder.js';
import { waitingFor } from './attachment.js';
import { attachmentEvidence } from './judge-attachment.js';
import { claimedTwice, readRequests, settle } from './plan-requests.js';
import { planRows } from './plan-rows.js';
import { planLeakedQos, planStale } from './plan-stale.js';
import { isSameIdentity } from './row-identity.js';
import { wantAttachment } from './want.js';

export type { AttachInput, AttachObserved, AttachPlan } from './attach-builder.js';

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
    return device;
  }
  const { root, netdevs } = observed;
  const wanted = wantAttachment(reading, request, netdev, { settings, root, bridge, netdevs, findNetwork });
  const present = builder.plugged.get(device);
  const isSame = present !== undefined && isSameIdentity(present.identity, request.identity);
  if (wanted.kind === 'not') {
    const evidence = isSame ? attachmentEvidence(present.main, netdev) : {};
    say(builder, pod, nadKey, wanted.verdict, { request, device, isPlugged: isSame, evidence });
    // What is attached already stays so while a text that it was made from is missing.
    return device;
  }
  planRows(builder, wanted.value, bridge);
  return device;
}

/** What is to be done for the pods' networks, and what is said of each. */
export function planAttachments(input: AttachInput): AttachPlan {
  const builder: Builder = {
    input,
    removals: [],
    changes: [],
    linksDown: [],
    linksUp: [],
    candidates: [],
    verdicts: [],
    plugged: pluggedPorts(input),
    winners: new Map(),
  };
  const pods = [...input.pods.values()].sort((a, b) => (a.uid < b.uid ? -1 : 1));
  const applicants = pods.flatMap((pod) => readRequests(builder, pod));
  settle(builder, applicants);
  const wantedOn = new Set<string>();
  for (const applicant of applicants) {
    const device = planApplicant(builder, applicant);
    if (device !== undefined) wantedOn.add(device);
  }
  planStale(builder, wantedOn);
  planLeakedQos(builder);
  const { removals, changes, linksDown, linksUp, candidates, winners, verdicts } = builder;
  const goesDown = new Set(linksDown.map(({ name }) => name));
  return {
    actions: [...removals, ...changes],
    linksDown,
    linksUp: linksUp.filter(({ name }) => !goesDown.has(name)),
    candidates,
    holders: winners,
    verdicts,
  };
}
