import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { encodeExplanation } from '../../src/api/encode/explain.js';
import type { Explanation } from '../../src/attach/ladder.js';
import { explainPod } from '../../src/attach/explain.js';
import { formatExplanation } from '../../src/cli/why-text.js';
import { PodExplanationSchema } from '../../src/gen/proto/dpu/agent/v1/explain_pb.js';
import { bareView, factsOf, inputOf, lookWallMs, offloadOf, viewOf } from '../attach/pod-facts.js';

/** As dpuctl prints what the agent has sent, 2 s after the look. */
const show = (explanation: Explanation): string =>
  formatExplanation(create(PodExplanationSchema, encodeExplanation(explanation)), lookWallMs + 2_000);

const flows = new Map([['pf0vf3', { kind: 'counted', taking: 2, sending: 1, wallMs: lookWallMs + 2_000 } as const]]);

/** The rungs from the pod to the port's identity, all of them well. */
const rungsToIdentity = (pod: string, device: string, ofport: number, ifaceId: string): string => `\
  ✓ pod          ${pod} (2 s ago)
  ✓ node         host-a, whose DPU this is (2 s ago)
  ✓ annotation   asks for VF 3 of PF 0, sandbox sandbox-1 (for 5 min)
  ✓ claim        VF 3 of PF 0 is this pod's (2 s ago)
  ✓ representor  ${device} (2 s ago)
  ✓ network      MAC 0a:58:0a:01:02:03 (2 s ago)
  ✓ may plug     the agent plugs; lease renewed 5 s ago (2 s ago)
  ✓ OVS port     ${device} on br-int (2 s ago)
  ✓ ofport       ${ofport} (2 s ago)
  ✓ link         up, MTU 1400 (2 s ago)
  ✓ identity     iface-id ${ifaceId} (2 s ago)`;

describe('a ladder as text', () => {
  it('of a pod that is ready ends with its status', () => {
    expect(show(explainPod(inputOf(factsOf(), { flows, offload: new Map([['default', offloadOf()]]) })))).toBe(`\
pod shop/web-0

network default: READY
${rungsToIdentity('listed, uid uid-web-0', 'pf0vf3', 7, 'shop_web-0')}
  ✓ OVN          ovn-installed=true (2 s ago)
  ✓ flows        2 take packets from it, 1 send to it (0 s ago)
  ✓ status       Ready (2 s ago)
  ✓ offloaded?   in hardware: Nearly all packets were carried by hardware. 99.0 % of 10000 packets in 10 s.
  ✓ why not      nothing was seen in software
`);
  });

  it('of a function that is claimed twice stops at the claim', () => {
    const view = bareView({
      state: 'failed',
      reason: 'RepresentorClaimedTwice',
      message: 'pf0vf3 is held by shop/web-1.',
      heldBy: 'shop/web-1',
    });
    expect(show(explainPod(inputOf(factsOf({ attachments: [view] }))))).toMatchInlineSnapshot(`
      "pod shop/web-0

      network default: FAILED at claim
        ✓ pod          listed, uid uid-web-0 (2 s ago)
        ✓ node         host-a, whose DPU this is (2 s ago)
        ✓ annotation   asks for VF 3 of PF 0, sandbox sandbox-1 (for 5 min)
        ✗ claim        pf0vf3 is held by shop/web-1. (2 s ago)
            reason   RepresentorClaimedTwice
            remedy   Delete the pod that is wrong: the holder keeps the function until it is gone or has released it.
            command  $ dpuctl why pod shop/web-1
        - not looked at: representor, network, may plug, OVS port, ofport, link, identity, OVN, flows, status, offloaded?, why not
      "
    `);
  });

  it('of a pod with two networks, one of which waits for OVN, has both', () => {
    const { 'ovn-installed': _, ...evidence } = viewOf().evidence;
    const blue = viewOf({
      nadKey: 'shop/blue',
      device: 'pf0vf4',
      ifaceId: 'shop.blue_shop_web-0',
      evidence: { ...evidence, 'iface-id': 'shop.blue_shop_web-0', ofport: '8' },
      state: 'waiting',
      reason: 'OvnNotInstalled',
      message: 'ovn-controller has not said ovn-installed=true.',
      readyWallMs: undefined,
      shown: undefined,
    });
    const facts = factsOf({ attachments: [viewOf(), blue], isDeleting: true });
    const pod = 'listed, uid uid-web-0, being deleted';
    const why = {
      reason: 'ct_ipv6_disabled',
      meaning: 'Connection tracking of IPv6 is not offloaded.',
      remedy: 'Set the key.',
    };
    const message = 'Nearly all packets were carried by software.';
    const offload = new Map([['default', offloadOf({ verdict: 'software', message, why })]]);
    expect(show(explainPod(inputOf(facts, { offload })))).toBe(`\
pod shop/web-0
! The pod is being deleted; what is attached stays until it is gone.

network default: READY
${rungsToIdentity(pod, 'pf0vf3', 7, 'shop_web-0')}
  ✓ OVN          ovn-installed=true (2 s ago)
  ? flows        not asked
  ✓ status       Ready (2 s ago)
  ! offloaded?   in software: Nearly all packets were carried by software.
  ! why not      ct_ipv6_disabled
      Connection tracking of IPv6 is not offloaded.
      remedy   Set the key.
      command  $ dpuctl offload why pod shop/web-0

network shop/blue: WAITING at OVN
${rungsToIdentity(pod, 'pf0vf4', 8, 'shop.blue_shop_web-0')}
  … OVN          ovn-controller has not said ovn-installed=true. (2 s ago)
      reason   OvnNotInstalled
      remedy   See whether ovn-controller runs, and whether the logical switch port exists and asks for this chassis and the pod's uid (iface-id-ver).
      command  $ ovn-sbctl --columns=logical_port,chassis,up,options,mac find Port_Binding logical_port=shop.blue_shop_web-0
  - not looked at: flows, status, offloaded?, why not
`);
  });

  it('of a pod that is not listed has one rung', () => {
    expect(show(explainPod(inputOf(undefined)))).toMatchInlineSnapshot(`
      "pod shop/web-0

      FAILED at pod
        ✗ pod          Pod shop/web-0 is not listed on node host-a. (2 s ago)
            remedy   See whether it exists and where it runs; ask on the DPU of its node.
            command  $ kubectl get pod -n shop web-0 -o wide
        - not looked at: node, annotation, claim, representor, network, may plug, OVS port, ofport, link, identity, OVN, flows, status, offloaded?, why not
      "
    `);
  });

  it('of a pod without details says that there is nothing to attach', () => {
    const facts = factsOf({ details: 'absent', attachments: [] });
    expect(show(explainPod(inputOf(facts)))).toMatchInlineSnapshot(`
      "pod shop/web-0

      NOTHING TO ATTACH
        ✓ pod          listed, uid uid-web-0 (2 s ago)
        ✓ node         host-a, whose DPU this is (2 s ago)
        ? annotation   no connection details (2 s ago)
            The pod has no connection details, so nothing is to be attached.
            reason   NotAttached
            remedy   Nothing, if the pod uses no function of this DPU; else look at the CNI on the host: ovnkube-node in mode dpu-host writes the details.
            command  $ kubectl get pod -n shop web-0 -o 'jsonpath={.metadata.annotations.k8s\\.ovn\\.org/dpu\\.connection-details}'
        - not looked at: claim, representor, network, may plug, OVS port, ofport, link, identity, OVN, flows, status, offloaded?, why not
      "
    `);
  });

  it('escapes what drives a terminal', () => {
    const hostile = '\u001b[2J\u202e"$(id)"\n';
    const view = bareView({
      nadKey: hostile,
      reason: 'DetailsInvalid',
      state: 'failed',
      message: hostile,
      device: hostile,
    });
    const facts = factsOf({ attachments: [view], name: hostile, uid: hostile, addressed: [hostile, 'x'] });
    const text = show(explainPod(inputOf(facts, { name: hostile })));
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('\u202e');
    expect(text).toContain(String.raw`\u001b[2J`);
    expect(text).toContain('$ kubectl get pods -A -o wide');
  });
});
