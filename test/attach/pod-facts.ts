/** Pods as the agent shows them, for tests of what explains them. */

import type { AttachmentView, PodFacts } from '../../src/attach/attachment-view.js';
import type { AttachSummary, ExplainInput, OffloadLook } from '../../src/attach/ladder.js';

/** The moment of the look, and of the question two seconds later. */
export const lookWallMs = 1_800_000_000_000;
export const nowWallMs = lookWallMs + 2_000;

/** Everything that is seen of a port that works. */
export const fullEvidence: Readonly<Record<string, string>> = {
  ofport: '7',
  link_state: 'up',
  mtu: '1400',
  'iface-id': 'shop_web-0',
  'iface-id-ver': 'uid-web-0',
  sandbox: 'sandbox-1',
  'ovn-installed': 'true',
  attached_mac: '0a:58:0a:01:02:03',
  operstate: 'up',
};

export function viewOf(over: Partial<AttachmentView> = {}): AttachmentView {
  return {
    nadKey: 'default',
    state: 'ready',
    reason: 'Ready',
    message: 'Attached, with all evidence seen.',
    pf: 0,
    vf: 3,
    sandboxId: 'sandbox-1',
    ifaceId: 'shop_web-0',
    device: 'pf0vf3',
    heldBy: undefined,
    isPlugged: true,
    evidence: fullEvidence,
    sinceWallMs: lookWallMs - 300_000,
    readyWallMs: lookWallMs - 290_000,
    lostWallMs: undefined,
    shown: 'Ready',
    wanted: 'Ready',
    ...over,
  };
}

/** Of a network whose port is not in the database. */
export function bareView(over: Partial<AttachmentView>): AttachmentView {
  return viewOf({
    isPlugged: false,
    evidence: {},
    readyWallMs: undefined,
    lostWallMs: undefined,
    shown: undefined,
    wanted: undefined,
    ...over,
  });
}

export function factsOf(over: Partial<PodFacts> = {}): PodFacts {
  return {
    namespace: 'shop',
    name: 'web-0',
    uid: 'uid-web-0',
    nodeName: 'host-a',
    isHostNetwork: false,
    isTerminal: false,
    isDeleting: false,
    details: 'read',
    detailsProblem: undefined,
    addressed: ['default'],
    bandwidthProblems: [],
    attachments: [viewOf()],
    ...over,
  };
}

export function attachOf(over: Partial<AttachSummary> = {}): AttachSummary {
  return {
    wallMs: lookWallMs,
    mode: 'on',
    bridge: 'br-int',
    cluster: { kind: 'synced', server: 'https://host-api:6443' },
    nodeName: 'host-a',
    lease: { kind: 'held', renewedWallMs: lookWallMs - 3_000, message: undefined },
    clockSkewMs: 40,
    statuses: { lastError: undefined },
    ...over,
  };
}

/** A network whose packets are in hardware. */
export function offloadOf(over: Partial<OffloadLook> = {}): OffloadLook {
  return {
    verdict: 'hardware',
    reason: 'InHardware',
    message: 'Nearly all packets were carried by hardware. 99.0 % of 10000 packets in 10 s.',
    hardwareShare: 0.99,
    why: undefined,
    isExpected: false,
    ...over,
  };
}

export function inputOf(facts: PodFacts | undefined, over: Partial<ExplainInput> = {}): ExplainInput {
  return {
    namespace: 'shop',
    name: 'web-0',
    facts,
    attach: attachOf(),
    nowWallMs,
    ovsRunDir: '/run/openvswitch',
    ...over,
  };
}
