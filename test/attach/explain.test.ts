import { describe, expect, it } from 'vitest';
import type { AttachmentView, PodFacts } from '../../src/attach/attachment-view.js';
import { brokenRung, explainPod, flowQuestions } from '../../src/attach/explain.js';
import {
  rungNames,
  type ExplainInput,
  type Ladder,
  type OffloadLook,
  type RungName,
  type RungState,
} from '../../src/attach/ladder.js';
import { reasonRungs, rungOfReason } from '../../src/attach/reason-rungs.js';
import type { Reason } from '../../src/model/reasons.js';
import { attachOf, bareView, factsOf, fullEvidence, inputOf, lookWallMs, offloadOf, viewOf } from './pod-facts.js';

const counted = (taking: number, sending: number) =>
  new Map([['pf0vf3', { kind: 'counted', taking, sending, wallMs: lookWallMs + 1_900 } as const]]);

function ladder(facts: PodFacts | undefined, over: Partial<ExplainInput> = {}): Ladder {
  const [first] = explainPod(inputOf(facts, over)).ladders;
  if (first === undefined) throw new Error('there is always a ladder');
  return first;
}

const ofView = (view: AttachmentView, over: Partial<ExplainInput> = {}): Ladder =>
  ladder(factsOf({ attachments: [view] }), over);

function states({ rungs }: Ladder): Partial<Record<RungName, RungState>> {
  return Object.fromEntries(rungs.map(({ name, state }) => [name, state]));
}

const rungOf = (found: Ladder, name: RungName) => found.rungs.find((rung) => rung.name === name);

describe('the ladder of a pod', () => {
  it('is climbed to its end when all evidence is there', () => {
    const found = ofView(viewOf(), { flows: counted(2, 1), offload: new Map([['default', offloadOf()]]) });
    expect(found.verdict).toBe('ready');
    expect(found.rungs.map(({ name }) => name)).toEqual(rungNames);
    expect(new Set(found.rungs.map(({ state }) => state))).toEqual(new Set(['ok']));
    expect(found.notes).toEqual([]);
  });

  it('says when each thing was seen, or since when it is so', () => {
    const found = ofView(viewOf(), { flows: counted(2, 1) });
    expect(rungOf(found, 'port')).toMatchObject({ wallMs: lookWallMs, age: '2 s ago' });
    expect(rungOf(found, 'details')).toMatchObject({ wallMs: lookWallMs - 300_000, age: 'for 5 min' });
    expect(rungOf(found, 'flows')).toMatchObject({ age: '0 s ago' });
  });

  it('dates what the host cluster said from the time when it fell silent', () => {
    const cluster = { kind: 'stale', server: 's', sinceWallMs: lookWallMs - 58_000, message: 'refused' } as const;
    const explanation = explainPod(inputOf(factsOf(), { attach: attachOf({ cluster }) }));
    expect(explanation.ladders[0]?.rungs[0]).toMatchObject({ name: 'pod', age: '1 min ago' });
    expect(explanation.notes).toEqual(['Nothing has come from the host cluster for 1 min: refused']);
    expect(explanation.isOk).toBe(true);
  });

  it.each(Object.keys(reasonRungs) as Reason[])('stops at one rung for %s and judges none behind it', (reason) => {
    const { rung } = rungOfReason(reason);
    const found = ofView(viewOf({ state: 'failed', reason, message: 'What is wrong.', heldBy: 'shop/web-1' }));
    const at = rungNames.indexOf(rung);
    expect(found.verdict).toBe('failed');
    expect(brokenRung(found)).toMatchObject({ name: rung, diagnosis: { reason, isWaiting: false } });
    expect(found.rungs.slice(0, at).every(({ state }) => state === 'ok' || state === 'unknown')).toBe(true);
    expect(found.rungs.slice(at + 1).every(({ state }) => state === 'skipped')).toBe(true);
  });

  it('tells what is only waited for from what has failed', () => {
    const view = bareView({ state: 'waiting', reason: 'NotApplied', message: 'The port is not in the database yet.' });
    const found = ofView(view);
    expect(found.verdict).toBe('waiting');
    expect(brokenRung(found)?.diagnosis?.isWaiting).toBe(true);
  });

  it('takes a reason of another version for a broken port, with the words that came with it', () => {
    const reason = 'BornTomorrow' as Reason;
    const found = ofView(viewOf({ state: 'failed', reason, message: 'Something new.' }));
    expect(brokenRung(found)).toMatchObject({ name: 'port', diagnosis: { cause: 'Something new.' } });
  });

  it('names the holder of a function that is claimed twice', () => {
    const view = bareView({
      state: 'failed',
      reason: 'RepresentorClaimedTwice',
      message: 'pf0vf3 is held by shop/web-1 network shop/blue.',
      heldBy: 'shop/web-1 network shop/blue',
    });
    expect(brokenRung(ofView(view))?.diagnosis).toMatchObject({
      cause: 'pf0vf3 is held by shop/web-1 network shop/blue.',
      command: 'dpuctl why pod shop/web-1',
    });
  });

  it('has no command for a holder that is not listed, but one that lists all', () => {
    const view = bareView({ state: 'waiting', reason: 'RepresentorClaimedTwice', heldBy: 'a pod that is not listed' });
    expect(brokenRung(ofView(view))?.diagnosis?.command).toBe('dpuctl pods');
  });

  it('leaves open what was not looked at before the broken rung', () => {
    const view = bareView({ state: 'waiting', reason: 'RepresentorMissing', device: undefined });
    expect(states(ofView(view))).toMatchObject({ details: 'ok', claim: 'unknown', representor: 'broken' });
  });

  it('has a ladder for each network, or for the one that is asked for', () => {
    const blue = bareView({ nadKey: 'shop/blue', state: 'waiting', reason: 'PodNetworkMissing' });
    const facts = factsOf({ attachments: [viewOf(), blue] });
    const all = explainPod(inputOf(facts));
    expect(all.ladders.map(({ nadKey, verdict }) => [nadKey, verdict])).toEqual([
      ['default', 'ready'],
      ['shop/blue', 'waiting'],
    ]);
    expect(all.isOk).toBe(false);
    expect(explainPod(inputOf(facts, { network: 'default' })).ladders).toHaveLength(1);
  });
});

describe('the offload of a network', () => {
  const ctIpv6 = {
    reason: 'ct_ipv6_disabled',
    meaning: 'Connection tracking of IPv6 is not offloaded.',
    remedy: 'Set hw-offload-ct-ipv6-enabled=true.',
  };
  const told = (look: Partial<OffloadLook> | undefined) => {
    const offload = look === undefined ? undefined : new Map([['default', offloadOf(look)]]);
    const found = ofView(viewOf(), { offload });
    return { found, offloaded: rungOf(found, 'offload'), whyNot: rungOf(found, 'whyNot') };
  };

  it('is not known where nobody looks', () => {
    const { found, offloaded, whyNot } = told(undefined);
    expect(offloaded).toMatchObject({ state: 'unknown', seen: 'not asked: nobody looks at hardware offload' });
    expect(whyNot).toMatchObject({ state: 'unknown', diagnosis: undefined });
    expect(found.verdict).toBe('ready');
  });

  it('has verdict, share and what it rests on', () => {
    const { offloaded, whyNot } = told({ why: { ...ctIpv6, reason: 'ct_new' } });
    expect(offloaded).toMatchObject({
      state: 'ok',
      seen: 'in hardware: Nearly all packets were carried by hardware. 99.0 % of 10000 packets in 10 s.',
      values: { verdict: 'hardware', reason: 'InHardware', 'hardware share': '0.9900' },
    });
    expect(whyNot).toMatchObject({ state: 'ok', seen: 'of the rest most is ct_new' });
  });

  it.each(['software', 'partial'] as const)('of %s says why and what to do, and leaves the pod ready', (verdict) => {
    const { found, offloaded, whyNot } = told({ verdict, hardwareShare: 0.1, why: ctIpv6 });
    expect(found.verdict).toBe('ready');
    expect(offloaded?.state).toBe('advisory');
    expect(whyNot).toMatchObject({
      state: 'advisory',
      seen: 'ct_ipv6_disabled',
      diagnosis: { cause: ctIpv6.meaning, remedy: ctIpv6.remedy, command: 'dpuctl offload why pod shop/web-0' },
    });
    expect(explainPod(inputOf(factsOf(), { offload: new Map([['default', offloadOf({ verdict })]]) })).isOk).toBe(true);
  });

  it('is no advice where software is expected', () => {
    const { offloaded, whyNot } = told({ verdict: 'software', why: { ...ctIpv6, reason: 'ct_new' }, isExpected: true });
    expect(offloaded?.state).toBe('ok');
    expect(whyNot).toMatchObject({ state: 'ok', diagnosis: undefined });
    expect(whyNot?.seen).toContain('ct_new, as expected');
  });

  it('sends to the status of offload where no flow tells more', () => {
    const { whyNot } = told({ verdict: 'software', reason: 'EngineIsSoftware', why: undefined });
    expect(whyNot).toMatchObject({ state: 'advisory', diagnosis: { command: 'dpuctl offload status' } });
    expect(whyNot?.seen).toContain('EngineIsSoftware');
  });

  it('is not known and no failure while nothing was measured', () => {
    const { found, offloaded, whyNot } = told({ verdict: 'unknown', reason: 'NotMeasured', why: ctIpv6 });
    expect([offloaded?.state, whyNot?.state, found.verdict]).toEqual(['unknown', 'unknown', 'ready']);
    expect(whyNot?.seen).toContain('ct_ipv6_disabled');
    expect(told({ verdict: 'unknown', why: undefined }).whyNot?.seen).toBe('where its packets are was not proven');
  });

  it('is not looked at where the pod has no network', () => {
    const view = viewOf({ state: 'failed', reason: 'RepresentorMissing', message: 'None.' });
    expect(states(ofView(view, { offload: new Map([['default', offloadOf()]]) }))).toMatchObject({
      offload: 'skipped',
      whyNot: 'skipped',
    });
  });
});

describe('a pod in mode observe', () => {
  const attach = attachOf({ mode: 'observe', lease: { kind: 'foreign', holder: 'ovnkube', seenWallMs: lookWallMs } });

  it('is ready when the port that another made has all evidence', () => {
    const found = ofView(viewOf(), { attach });
    expect(found.verdict).toBe('ready');
    expect(rungOf(found, 'lease')).toMatchObject({ state: 'ok' });
    expect(rungOf(found, 'lease')?.seen).toContain('only observes');
  });

  it('is broken at the mode when nobody has made the port', () => {
    const view = bareView({ state: 'waiting', reason: 'ReadOnly', message: 'The agent is told to observe only.' });
    expect(brokenRung(ofView(view, { attach }))).toMatchObject({
      name: 'lease',
      diagnosis: {
        command: 'ovs-vsctl --columns=name,ofport,error,external_ids find Interface external_ids:iface-id=shop_web-0',
      },
    });
  });

  it('asks ovn-kubernetes for the status that is missing', () => {
    const found = ofView(viewOf({ shown: undefined }), { attach });
    expect(found.verdict).toBe('waiting');
    expect(brokenRung(found)?.diagnosis?.remedy).toContain('ovnkube-node');
  });

  it.each(['standby', 'bootGrace'] as const)('explains what else keeps it from writing: %s', (mode) => {
    const view = bareView({ state: 'waiting', reason: 'ReadOnly', message: 'Not now.' });
    const diagnosis = brokenRung(ofView(view, { attach: attachOf({ mode }) }))?.diagnosis;
    expect(diagnosis?.cause).toContain(mode === 'standby' ? 'lock' : 'agent.bootGraceMs');
    expect(diagnosis?.command).toBe('dpuctl status');
  });
});

describe('the flows of a port', () => {
  it('are left open while the switch was not asked', () => {
    expect(rungOf(ofView(viewOf()), 'flows')).toMatchObject({ state: 'unknown', seen: 'not asked' });
    const flows = new Map([['pf0vf3', { kind: 'notAsked', message: 'bridge br-int does not answer' } as const]]);
    const found = ofView(viewOf(), { flows });
    expect(rungOf(found, 'flows')?.seen).toBe('not asked: bridge br-int does not answer');
    expect(found.verdict).toBe('ready');
  });

  it('break the ladder when OVN says that they are there and none takes a packet', () => {
    const found = ofView(viewOf(), { flows: counted(0, 1) });
    expect(brokenRung(found)).toMatchObject({
      name: 'flows',
      diagnosis: { reason: undefined, command: 'ovs-ofctl -O OpenFlow15 dump-flows br-int in_port=7' },
    });
    expect(found.verdict).toBe('failed');
  });

  it('prove nothing where OVN has no say', () => {
    const { 'ovn-installed': _, ...evidence } = fullEvidence;
    const found = ofView(viewOf({ evidence }), { flows: counted(0, 0) });
    expect(rungOf(found, 'flows')?.state).toBe('unknown');
    expect(rungOf(found, 'ovn')?.seen).toContain('ignore');
    expect(found.verdict).toBe('ready');
  });

  it('are asked for only of ports that have got so far', () => {
    const broken = viewOf({ nadKey: 'shop/blue', device: 'pf0vf4', state: 'waiting', reason: 'OvnNotInstalled' });
    const bare = bareView({ nadKey: 'shop/red', device: 'pf0vf5', state: 'waiting', reason: 'NotApplied' });
    const facts = factsOf({ attachments: [viewOf(), broken, bare] });
    expect(flowQuestions(inputOf(facts))).toEqual(new Map([['pf0vf3', 7]]));
  });
});

describe('what the pod is told', () => {
  it('is broken while a write fails, with the words of the last failure', () => {
    const attach = attachOf({ statuses: { lastError: 'pods "web-0" is forbidden' } });
    const found = ofView(viewOf({ shown: undefined }), { attach });
    expect(found.verdict).toBe('failed');
    expect(brokenRung(found)).toMatchObject({ name: 'status' });
    expect(brokenRung(found)?.diagnosis?.cause).toContain('is forbidden');
  });

  it('is waited for while it is on its way, and while the agent may not write', () => {
    expect(ofView(viewOf({ shown: 'Error: gone' })).verdict).toBe('waiting');
    const found = ofView(viewOf({ shown: undefined }), { attach: attachOf({ mode: 'leaseForeign' }) });
    expect(brokenRung(found)?.diagnosis?.cause).toContain('leaseForeign');
  });

  it('is called untrue when it says Ready and the port is not', () => {
    const found = ofView(viewOf({ state: 'waiting', reason: 'LinkDown', message: 'The link is down.' }));
    expect(found.notes[0]).toContain('says Ready, which is not so now. It is taken back');
  });
});

describe('contradictions that the loop does not look for', () => {
  it('are a pod of another node', () => {
    const found = ladder(factsOf({ nodeName: 'host-b' }));
    expect(brokenRung(found)).toMatchObject({ name: 'node', seen: 'host-b' });
    expect(brokenRung(found)?.diagnosis?.cause).toBe('The pod is on host-b, and this is the DPU of host-a.');
  });

  it('are an iface-id that is not the one of the pod', () => {
    const evidence = { ...fullEvidence, 'iface-id': 'other_pod' };
    expect(brokenRung(ofView(viewOf({ evidence })))).toMatchObject({ name: 'ifaceId', seen: 'other_pod' });
  });

  it('leave the node open when nobody has said which it is', () => {
    expect(states(ladder(factsOf(), { attach: attachOf({ nodeName: undefined }) })).node).toBe('unknown');
  });
});

describe('a pod that the agent does not list', () => {
  it('stops at the first rung and names the node', () => {
    const explanation = explainPod(inputOf(undefined));
    expect(explanation.isOk).toBe(false);
    expect(explanation.ladders[0]?.nadKey).toBeUndefined();
    expect(brokenRung(ladder(undefined))).toMatchObject({
      name: 'pod',
      diagnosis: {
        cause: 'Pod shop/web-0 is not listed on node host-a.',
        command: 'kubectl get pod -n shop web-0 -o wide',
      },
    });
  });

  it('names those that may have been meant', () => {
    const diagnosis = brokenRung(ladder(undefined, { similar: ['shop/web-01'] }))?.diagnosis;
    expect(diagnosis?.remedy).toContain('shop/web-01');
    expect(diagnosis?.command).toBe('dpuctl why pod shop/web-01');
  });

  it('says that nobody can know while the host cluster is silent', () => {
    const cluster = { kind: 'connecting', server: 's', message: 'connection refused' } as const;
    expect(brokenRung(ladder(undefined, { attach: attachOf({ cluster }) }))?.diagnosis).toMatchObject({
      reason: 'ClusterUnavailable',
      cause: 'Pod shop/web-0 is not listed on node host-a, and the host cluster cannot be asked: connection refused',
    });
  });
});

describe('a pod without anything to attach', () => {
  it('is no failure, and says what to look at if there should be something', () => {
    const explanation = explainPod(inputOf(factsOf({ details: 'absent', attachments: [] })));
    const [found] = explanation.ladders;
    expect(explanation.isOk).toBe(true);
    expect(found?.verdict).toBe('nothing');
    expect(found?.rungs.find(({ name }) => name === 'details')?.diagnosis).toMatchObject({ reason: 'NotAttached' });
    expect(found?.rungs.slice(3).every(({ state }) => state === 'skipped')).toBe(true);
  });

  it('is as it should be in the network of the host, and after its end', () => {
    for (const over of [{ isHostNetwork: true }, { isTerminal: true }]) {
      const found = ladder(factsOf({ details: 'absent', attachments: [], ...over }));
      expect(found.verdict).toBe('nothing');
      expect(rungOf(found, 'details')).toMatchObject({ state: 'ok', diagnosis: undefined });
    }
  });

  it('is broken at the node when it is of another one', () => {
    expect(ladder(factsOf({ details: 'absent', attachments: [], nodeName: 'host-b' })).verdict).toBe('failed');
  });

  it('is told from one that the agent could not judge', () => {
    const found = ladder(factsOf({ attachments: [] }), { attach: attachOf({ mode: 'blind' }) });
    expect(found.verdict).toBe('waiting');
    expect(brokenRung(found)?.name).toBe('port');
  });

  it('lacks details in one network although the host cluster gave an address in it', () => {
    const facts = factsOf({ addressed: ['default', 'shop/blue'] });
    expect(ladder(facts, { network: 'shop/blue' }).verdict).toBe('nothing');
    expect(explainPod(inputOf(facts)).notes).toEqual([
      'The host cluster gave addresses in networks without connection details: shop/blue.',
    ]);
  });
});

describe('what is worth knowing besides', () => {
  it('is told of the pod', () => {
    const facts = factsOf({
      detailsProblem: 'ignored, for they name no network: x',
      bandwidthProblems: ['"9Q" is no quantity.'],
      isDeleting: true,
    });
    expect(explainPod(inputOf(facts)).notes).toEqual([
      'Connection details ignored, for they name no network: x.',
      'Bandwidth: "9Q" is no quantity.',
      'The pod is being deleted; what is attached stays until it is gone.',
    ]);
  });

  it('is told of a function with another address, and of a clock that is off', () => {
    const evidence = { ...fullEvidence, function_mac: '02:00:00:00:00:99' };
    expect(ofView(viewOf({ evidence })).notes).toEqual([
      'The function has address 02:00:00:00:00:99, the pod 0a:58:0a:01:02:03.',
    ]);
    const { notes } = explainPod(inputOf(factsOf(), { attach: attachOf({ clockSkewMs: -31_000 }) }));
    expect(notes[0]).toContain('31 s behind');
  });

  it('is told of one that was ready before', () => {
    const lost = viewOf({
      state: 'failed',
      reason: 'InterfaceError',
      shown: undefined,
      lostWallMs: lookWallMs - 58_000,
    });
    expect(ofView(lost).notes).toEqual(['It was ready with these very details until 1 min ago.']);
    expect(ofView({ ...lost, readyWallMs: undefined, lostWallMs: undefined }).notes).toEqual([]);
  });
});
