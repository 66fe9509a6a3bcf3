import { describe, expect, it } from 'vitest';
import type { OffloadMeasured } from '../../src/agent/api-view.js';
import { AgentExplainer, type ExplainerDeps } from '../../src/agent/explainer.js';
import type { PodFacts } from '../../src/attach/attachment-view.js';
import type { AgentStatus } from '../../src/agent/status.js';
import { systemClock } from '../../src/lib/clock.js';
import { AgentError } from '../../src/lib/errors.js';
import { factsOf, viewOf } from '../attach/pod-facts.js';
import { chainView, portView, switchView } from '../chain/chain-shapes.js';
import { agentStatus } from '../cli/attach-shapes.js';
import { measuredOf, offloadRow } from '../fakes/offload-world.js';

const never = new AbortController().signal;
const question = { namespace: 'shop', name: 'web-0', network: undefined };
const silent = new AgentError('NOT_CONNECTED', 'bridge br-int does not answer');
const chain = chainView(switchView(0, portView('p0', 1), portView('p1', 2)));

/** A switch whose one flow gives what comes in at port 1 to port 2. */
const tracing: ExplainerDeps['tracer'] = {
  run: (_signal, use) =>
    use({
      trace: () =>
        Promise.resolve(
          ['bridge("br-sfc")', '----', ' 0. in_port=1, priority 100', '    output:2', 'Datapath actions: 2'].join('\n'),
        ),
      ports: () => Promise.resolve(new Map()),
    }),
};

function explainer(
  status: AgentStatus | undefined,
  pods: readonly PodFacts[],
  over: Partial<ExplainerDeps> = {},
): AgentExplainer {
  return new AgentExplainer({
    status: { current: () => status, pods: () => pods, onChange: () => () => undefined },
    journal: { tail: () => [] },
    flows: { count: () => Promise.resolve({ taking: 3, sending: 4 }) },
    tracer: tracing,
    looker: { look: () => Promise.resolve({ wallMs: 7, bridges: new Map(), problems: ['br-sfc is silent'] }) },
    observedPort: () => undefined,
    clock: systemClock,
    ...over,
  });
}

describe('the explanation of a pod', () => {
  it('has the flows that the switch counted', async () => {
    const { explanation, attach } = await explainer(agentStatus(), [factsOf()]).pod(question, never);
    const flows = explanation.ladders[0]?.rungs.find(({ name }) => name === 'flows');
    expect(flows?.seen).toBe('3 take packets from it, 4 send to it');
    expect(explanation.isOk).toBe(true);
    expect(attach.bridge).toBe('br-int');
  });

  it('says of a switch that does not answer that it was not asked, and is whole without it', async () => {
    const flows = { count: () => Promise.reject(silent) };
    const { explanation } = await explainer(agentStatus(), [factsOf()], { flows }).pod(question, never);
    const rung = explanation.ladders[0]?.rungs.find(({ name }) => name === 'flows');
    expect(rung?.seen).toContain('not asked: bridge br-int does not answer');
    expect(explanation.isOk).toBe(true);
  });

  it('does not wait for a switch that never answers', async () => {
    let callback: (() => void) | undefined;
    const clock = {
      ...systemClock,
      after: (_ms: number, call: () => void) => {
        callback = call;
        return { cancel: () => undefined };
      },
    };
    const flows = {
      count: (_bridge: string, _ofport: number, signal: AbortSignal) =>
        new Promise<never>((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new AgentError('ABORTED', 'too late')));
          callback?.();
        }),
    };
    const { explanation } = await explainer(agentStatus(), [factsOf()], { flows, clock }).pod(question, never);
    const rung = explanation.ladders[0]?.rungs.find(({ name }) => name === 'flows');
    expect(rung?.seen).toContain('not asked: too late');
  });

  it('of one that is not listed suggests others', async () => {
    const pods = [factsOf({ name: 'web-1', attachments: [] })];
    const { explanation } = await explainer(agentStatus(), pods).pod(question, never);
    expect(explanation.isOk).toBe(false);
    expect(explanation.uid).toBeUndefined();
    expect(explanation.ladders[0]?.rungs[0]?.diagnosis?.command).toBe('dpuctl why pod shop/web-1');
  });

  it('refuses a network that the pod has not, and explains one that is not attached', async () => {
    const pods = [factsOf({ attachments: [viewOf()], addressed: ['default', 'shop/blue'] })];
    const asked = explainer(agentStatus(), pods).pod({ ...question, network: 'shop/red' }, never);
    await expect(asked).rejects.toMatchObject({ code: 'NOT_FOUND', remedy: 'It has: default, shop/blue.' });
    const blue = await explainer(agentStatus(), pods).pod({ ...question, network: 'shop/blue' }, never);
    expect(blue.explanation.ladders.map(({ verdict }) => verdict)).toEqual(['nothing']);
  });

  it('is refused before the first look, and where the agent does not look at pods', async () => {
    const blind = explainer(agentStatus({ attach: undefined }), []).pod(question, never);
    await expect(blind).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await expect(explainer(undefined, []).pod(question, never)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });
});

describe('the offload of a pod', () => {
  const rungsOf = async (over: Partial<ExplainerDeps>) => {
    const { explanation } = await explainer(agentStatus(), [factsOf()], over).pod(question, never);
    const [ladder] = explanation.ladders;
    return ['offload', 'whyNot'].map((name) => ladder?.rungs.find((rung) => rung.name === name));
  };
  const row = (reasons: OffloadMeasured['reasons'], softwareFlows = 60) => {
    const tally = { packets: 10, bytes: 10 };
    const flows = {
      hardware: { flows: 0, ...tally },
      software: { flows: softwareFlows, ...tally },
      apart: { flows: 0, ...tally },
    };
    return offloadRow('attachment', 'shop/web-0', 'software', {
      measured: measuredOf({ hardwareShare: 0, flows, reasons }),
    });
  };
  const share = (reason: 'ct_new' | 'other', flows: number) => ({ reason, flows, packets: flows, bytes: flows });

  it('comes from the row of its network, with the reason that has most packets', async () => {
    const foreign = offloadRow('attachment', 'shop/web-1', 'hardware');
    const rows = () => [foreign, row([share('other', 40), share('ct_new', 20)])];
    const [offloaded, whyNot] = await rungsOf({ offload: { rows } });
    expect(offloaded).toMatchObject({ state: 'advisory', values: { verdict: 'software' } });
    expect(whyNot).toMatchObject({
      state: 'advisory',
      seen: 'other',
      diagnosis: { command: 'dpuctl offload why pod shop/web-0' },
    });
  });

  it('is as expected only where every flow in software is', async () => {
    expect((await rungsOf({ offload: { rows: () => [row([share('ct_new', 60)])] } }))[0]?.state).toBe('ok');
    expect((await rungsOf({ offload: { rows: () => [row([share('ct_new', 59)])] } }))[0]?.state).toBe('advisory');
    expect((await rungsOf({ offload: { rows: () => [row([], 0)] } }))[0]?.state).toBe('advisory');
  });

  it('is not known where there is no row, and where nobody looks', async () => {
    expect((await rungsOf({ offload: { rows: () => [] } })).map((rung) => rung?.state)).toEqual(['unknown', 'unknown']);
    expect((await rungsOf({})).map((rung) => rung?.state)).toEqual(['unknown', 'unknown']);
  });
});

describe('the explanation of a port', () => {
  it('has the pods that want it', async () => {
    const pods = [factsOf({ attachments: [viewOf({ device: 'pf0vf3' })] })];
    const { account, pods: explained } = await explainer(agentStatus(), pods).port('pf0vf3', never);
    expect(account).toMatchObject({ object: { kind: 'port', name: 'pf0vf3' }, conditions: [], isReady: true });
    expect(explained.map(({ name }) => name)).toEqual(['web-0']);
  });

  it('has where its packets are processed, as those of a chain; it decides nothing', async () => {
    const pods = [factsOf({ attachments: [viewOf({ device: 'pf0vf3' })] })];
    const reasons = [{ reason: 'unsupported_action', flows: 1, packets: 9, bytes: 9 } as const];
    const rows = () => [
      offloadRow('port', 'pf0vf3', 'software', { measured: measuredOf({ reasons }) }),
      offloadRow('chain', 'edge', 'hardware'),
    ];
    const { account } = await explainer(agentStatus(), pods, { offload: { rows } }).port('pf0vf3', never);
    expect(account.isReady).toBe(true);
    expect(account.rungs).toMatchObject([
      { name: 'offload', state: 'advisory', values: { verdict: 'software' } },
      { name: 'whyNot', seen: 'unsupported_action', diagnosis: { command: 'dpuctl offload why port pf0vf3' } },
    ]);
  });

  it('has none of it where it has no port on the switch, and where nobody looks', async () => {
    const pods = [factsOf({ attachments: [viewOf({ device: 'pf0vf3' })] })];
    const rows = () => [offloadRow('port', 'pf0vf3', 'unknown', { reason: 'NotOnSwitch' })];
    const absent = await explainer(agentStatus(), pods, { offload: { rows } }).port('pf0vf3', never);
    const unseen = await explainer(agentStatus(), pods).port('pf0vf3', never);
    expect([absent.account.rungs, unseen.account.rungs]).toEqual([undefined, undefined]);
  });

  it('is refused where nothing is known of it', async () => {
    await expect(explainer(agentStatus(), []).port('nobody', never)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(() => explainer(agentStatus(), []).chain('nobody')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});

describe('a look at a chain', () => {
  it('says which bridges did not answer, and what the others count', async () => {
    const look = await explainer(agentStatus({ chains: [chain] }), []).lookAtChain('c');
    expect(look).toEqual({
      wallMs: 7,
      ports: new Map(),
      legs: new Map(),
      stations: new Map(),
      problems: ['br-sfc is silent'],
    });
    await expect(explainer(agentStatus(), []).lookAtChain('c')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a trace', () => {
  const traced = explainer(agentStatus({ chains: [chain] }), []);

  it('tells where the packet goes, as data and as text', async () => {
    const answer = await traced.trace({ chain: 'c', from: undefined, packet: 'udp,dport=53' }, never);
    expect(answer.fate).toBe('delivered');
    expect(answer.hops).toMatchObject([{ bridge: 'br-sfc', steps: ['table 0: in_port=1, priority 100 → output:2'] }]);
    expect(answer.text).toContain('DELIVERED to p1 #2');
  });

  it.each([
    [{ chain: 'd', from: undefined, packet: undefined }, 'NOT_FOUND'],
    [{ chain: 'c', from: 'nowhere', packet: undefined }, 'NOT_FOUND'],
    [{ chain: 'c', from: undefined, packet: 'gibberish' }, 'API_INVALID'],
  ])('is refused: %j', async (asked, code) => {
    await expect(traced.trace(asked, never)).rejects.toMatchObject({ code });
  });

  it('is refused where vswitchd does not answer', async () => {
    const mute = explainer(agentStatus({ chains: [chain] }), [], { tracer: { run: () => Promise.reject(silent) } });
    const asked = mute.trace({ chain: 'c', from: undefined, packet: undefined }, never);
    await expect(asked).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });
});
