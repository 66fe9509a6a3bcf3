import { describe, expect, it } from 'vitest';
import type { IntentAnswer, PlainBundle } from '../../../src/agent/intent-desk-types.js';
import { eventually } from '../lab/daemon.js';
import { chainCookies } from '../chain/chain-lab.js';
import { Rig, type InnerAgent } from './rig.js';

const config = { bridges: [{ name: 'br-int' }] };

function apply(
  { assembly }: InnerAgent,
  generation: bigint,
  parts: Partial<PlainBundle>,
  isDryRun = false,
): Promise<IntentAnswer> {
  const bundle = { bridges: [], ports: [], chains: [], attachments: [], ...parts };
  const request = { owner: 'fleet-1', generation, idempotencyKey: '', bundle, isDryRun, actor: 'uid:0' };
  return assembly.desk.apply(request);
}

const phaseIs = (agent: InnerAgent, phase: string): Promise<unknown> =>
  eventually(() => agent.assembly.desk.status('fleet-1')?.phase === phase, `phase ${phase}`);

describe('an intent of an owner', () => {
  it('is shown before it is wanted, then made, survives a restart, and is undone with its deletion', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const first = rig.inner(config);
    await first.ready();
    const parts = {
      bridges: [{ name: 'br-x', ports: [{ name: 'x0', kind: 'patch', peer: { bridge: 'br-int', port: 'x1' } }] }],
    };
    const shown = await apply(first, 1n, parts, true);
    expect(shown).toMatchObject({ kind: 'accepted' });
    const changes = shown.kind === 'accepted' ? shown.preview?.changes.map(({ summary }) => summary) : [];
    expect(changes).toContain('create bridge br-x');
    expect(changes).toContain('create port x1 on br-int');
    expect((await rig.lab.vsctl('list-br')).trim()).toBe('br-int');
    await apply(first, 1n, parts);
    await phaseIs(first, 'ready');
    expect((await rig.lab.vsctl('list-ports', 'br-int')).trim()).toBe('x1');
    const writes = await rig.writes();
    await first[Symbol.asyncDispose]();
    const second = rig.inner(config);
    await phaseIs(second, 'ready');
    expect(await rig.writes()).toBe(writes);
    expect(await second.assembly.desk.delete('fleet-1', undefined, 'uid:0')).toBe(true);
    await eventually(async () => (await rig.lab.vsctl('list-br')).trim() === 'br-int', 'br-x is gone');
    expect((await rig.lab.vsctl('list-ports', 'br-int')).trim()).toBe('');
  });

  it('stops a chain while its controller is lost, and lets it go on when the controller is back', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: ['a', 'b'] });
    const port = (name: string): object => ({ name, kind: 'system', interfaceExternalIds: { 'dpf-id': `ns/${name}` } });
    const bridges = [{ name: 'br-sfc', failMode: 'secure', ports: [port('a'), port('b')] }];
    const agent = rig.inner({ bridges, api: { grpc: { controllerLossMs: 1_000 } } });
    await agent.ready();
    const ports = ['a', 'b'].map((name) => ({ kind: 'service', dpfId: `ns/${name}` }));
    const leave = agent.assembly.desk.present('fleet-1');
    await apply(agent, 1n, { chains: [{ name: 'wire', onControllerLoss: 'close', switches: [{ ports }] }] });
    await phaseIs(agent, 'ready');
    const flows = async (): Promise<string> => {
      const text = await rig.lab.ofctl('-O', 'OpenFlow15', '--no-stats', 'dump-flows', 'br-sfc', chainCookies);
      return text.replace(/^.*OFPST.*\n/, '');
    };
    const open = await flows();
    expect(open).toContain('output:');
    leave();
    await agent.until(({ conditions }) => conditions.some(({ reason }) => reason === 'ChainClosed'), 'it is closed');
    const closed = await flows();
    expect(closed.match(/actions=drop/g)).toHaveLength(2);
    expect(closed).not.toContain('output:');
    expect(agent.assembly.desk.status('fleet-1')?.phase).toBe('applied');
    agent.assembly.desk.present('fleet-1');
    await phaseIs(agent, 'ready');
    expect(await flows()).toBe(open);
  });

  it('gives way to a configuration that wants the same, and says so', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const agent = rig.inner(config);
    await agent.ready();
    await apply(agent, 1n, { bridges: [{ name: 'br-x', failMode: 'standalone' }] });
    await phaseIs(agent, 'ready');
    agent.assembly.intents.replace(rig.config({ bridges: [{ name: 'br-int' }, { name: 'br-x', failMode: 'secure' }] }));
    await phaseIs(agent, 'degraded');
    const failMode = async (): Promise<string> => (await rig.lab.vsctl('get', 'Bridge', 'br-x', 'fail_mode')).trim();
    await eventually(async () => (await failMode()) === 'secure', 'the configuration has its way');
    const both = ['BridgeClaimedTwice', 'IntentContradicted'];
    await agent.until(
      ({ findings }) => both.every((reason) => findings.some((finding) => finding.reason === reason)),
      'both findings',
    );
  });
});
