/** Mode observe: the agent looks at everything and writes nothing, here or there; what others do it explains. */

import { describe, expect, it } from 'vitest';
import { runTool } from '../../../src/sandbox/lab/ovs.js';
import { agentUser, attachSays, AttachRig, eventually } from './attach-rig.js';
import { attack } from './attackers.js';
import { PlugByHand } from './plug-by-hand.js';
import { addressOf, podNamed, statusOf, twoPods } from './world.js';

/** The records of the database with their comments, by which the agent marks its own. */
async function records({ ovs }: AttachRig): Promise<readonly string[]> {
  const text = await runTool(ovs.env, 'ovsdb-tool', ['show-log', ovs.dbFile]);
  return text.split('\n').filter((line) => /^record \d+:/.test(line));
}

describe('an agent that only observes', () => {
  it('writes nothing anywhere, and calls ready what somebody else has plugged', async () => {
    await using rig = await AttachRig.start();
    const { cluster, half } = rig;
    const agent = await rig.agent({ attach: { mode: 'observe' } });
    await attachSays(agent, ({ mode, cluster: state }) => mode === 'observe' && state.kind === 'synced', 'observe');
    await using hand = new PlugByHand(rig.api, half.cache, rig.ovs, rig.hosts);
    const [first, second] = await twoPods(rig);
    await hand.finished();
    expect(hand.failures).toEqual([]);
    await eventually(() => rig.hosts.ping(first.role, addressOf(second)), 'the pods reach one another');
    // One that nobody plugs, and one that wants what another has; in the older form, which the other hand does not know.
    const bare = (vfId: string): string => JSON.stringify({ pfId: '0', vfId, sandboxId: 'x' });
    attack(rig, { name: 'waiting', details: bare('4') });
    attack(rig, { name: 'twice', details: bare('1'), status: '{"default":{"Status":"Ready"}}' });
    await attachSays(agent, ({ counts }) => counts['Ready'] === 2 && counts['ReadOnly'] === 1, 'what it sees');
    const seen = await eventually(async () => {
      const entry = (await rig.pod('a'))?.[0];
      return entry?.reason === 'Ready' ? entry : undefined;
    }, 'the pod is told');
    expect(seen).toMatchObject({ state: 'ready', isPlugged: true, ifaceId: 'default_a', shown: 'Ready' });
    expect(seen.evidence).toMatchObject({ 'ovn-installed': 'true' });
    expect(Number(seen.evidence['ofport'])).toBeGreaterThan(0);
    const twice = await eventually(async () => (await rig.pod('twice'))?.[0], 'the other is told');
    expect([twice.reason, twice.heldBy]).toEqual(['RepresentorClaimedTwice', expect.stringMatching(/^default\/[ab]$/)]);
    // Forged or not: whoever observes corrects nobody.
    expect(statusOf(podNamed(rig, 'twice'))?.Status).toBe('Ready');
    await half.stopPods([first]);
    await hand.finished();
    const { attach } = await attachSays(agent, ({ podCount }) => podCount === 3, 'that one is gone');
    const before = await records(rig);
    expect(before.some((line) => line.includes('ovs-vsctl'))).toBe(true);
    expect(before.filter((line) => line.includes('dpu-node-agent'))).toEqual([]);
    // It knows what it would do, and looks again, and again.
    const sinceMs = attach?.wallMs ?? 0;
    await attachSays(
      agent,
      ({ wallMs, pendingCount }) => wallMs > sinceMs + 2000 && pendingCount > 0,
      'what it would do',
    );
    expect(await records(rig)).toEqual(before);
    const verbs = new Set(cluster.audit.entries(agentUser).map(({ verb }) => verb));
    expect(verbs).toEqual(new Set(['get', 'list', 'watch']));
    expect((await agent.status())?.appliedActions).toBe(0);
  });
});
