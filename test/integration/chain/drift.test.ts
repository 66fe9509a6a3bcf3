import { describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../../src/agent/status.js';
import { Rig, type ConfigInput, type InnerAgent } from '../agent/rig.js';
import { eventually } from '../lab/daemon.js';
import { chain, chainCookies, chainReason, service, servicePort, type Chain } from './chain-lab.js';

const names = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
const ports = names.map((name) => servicePort(name));
const wire = chain('wire', [service('a'), service('b')]);
const lan = chain('lan', [service('c'), service('d'), service('e')]);

const input = (chains: readonly Chain[], bridgePorts: readonly object[] = ports, more: object = {}): ConfigInput => ({
  bridges: [{ name: 'br-sfc', failMode: 'secure', ports: bridgePorts, ...more }],
  chains,
});

/** Seldom looks without an event: what happens within the time of a test was told by an event. */
const patient = { fullResyncMs: 600_000 };

async function flows(rig: Rig, selection: string = chainCookies): Promise<readonly string[]> {
  const args = ['-O', 'OpenFlow15', '--no-stats', '--no-names', 'dump-flows', 'br-sfc', selection];
  const text = await rig.lab.ofctl(...args);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('cookie='))
    .sort();
}

/** Seconds that each flow has been there: a flow that was installed anew begins at zero. */
async function durations(rig: Rig): Promise<readonly number[]> {
  const text = await rig.lab.ofctl('-O', 'OpenFlow15', '--no-names', 'dump-flows', 'br-sfc', chainCookies);
  return [...text.matchAll(/ duration=([\d.]+)s/g)].map(([, seconds]) => Number(seconds));
}

const isReady =
  (...chains: readonly string[]) =>
  (status: AgentStatus): boolean =>
    chains.every((name) => chainReason(status, name) === 'Ready') && status.isReady;

async function start(rig: Rig, chains: readonly Chain[] = [wire, lan]): Promise<InnerAgent> {
  const agent = rig.inner(input(chains), patient);
  await agent.until(isReady(...chains.map(({ name }) => name)), 'the chains are ready');
  return agent;
}

const ofport = async (rig: Rig, name: string): Promise<number> =>
  Number(await rig.lab.vsctl('get', 'Interface', name, 'ofport'));

describe('the flows of chains', () => {
  it('come back when somebody deletes or changes them, told by the flow monitor and not by a poll', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: names });
    const agent = await start(rig);
    const before = await flows(rig);
    const restored = async (): Promise<boolean> => JSON.stringify(await flows(rig)) === JSON.stringify(before);
    const a = await ofport(rig, 'a');
    await rig.lab.ofctl('-O', 'OpenFlow15', '--strict', 'del-flows', 'br-sfc', `priority=100,in_port=${a}`);
    await eventually(restored, 'the deleted flow is back');
    await rig.lab.ofctl(
      '-O',
      'OpenFlow15',
      '--strict',
      'mod-flows',
      'br-sfc',
      `priority=100,in_port=${a},actions=drop`,
    );
    await eventually(restored, 'the changed flow is right again');
    await rig.lab.ofctl('-O', 'OpenFlow15', 'del-flows', 'br-sfc', chainCookies);
    await eventually(restored, 'all are back');
    await rig.lab.ofctl('-O', 'OpenFlow15', 'del-flows', 'br-sfc');
    await eventually(restored, 'all are back again');
    const stale = 'cookie=0x5cda00ffff010001,table=0,priority=7,in_port=99,actions=drop';
    await rig.lab.ofctl('-O', 'OpenFlow15', 'add-flow', 'br-sfc', stale);
    await eventually(restored, 'what carries the cookie of no chain is gone');
    await agent.until(isReady('wire', 'lan'), 'ready');
  });

  it('touch nothing of anybody else, whatever happens to them', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: names });
    const agent = await start(rig);
    const f = await ofport(rig, 'f');
    const foreign = [
      `cookie=0x7,table=0,priority=200,in_port=${f},actions=output:${await ofport(rig, 'a')}`,
      'cookie=0x5cdb000000000001,table=10,priority=1,actions=drop',
      'cookie=0x3,table=30,priority=5,ip,nw_dst=10.0.0.0/8,actions=ct(commit),NORMAL',
    ];
    for (const flow of foreign) await rig.lab.ofctl('-O', 'OpenFlow15', 'add-flow', 'br-sfc', flow);
    const others = async (): Promise<readonly string[]> =>
      (await flows(rig, 'table=255')).filter((line) => !line.startsWith('cookie=0x5cda'));
    const before = await others();
    expect(before).toHaveLength(3);
    const count = (await flows(rig)).length;
    await rig.lab.ofctl('-O', 'OpenFlow15', 'del-flows', 'br-sfc', chainCookies);
    await eventually(async () => (await flows(rig)).length === count, 'the chains are back');
    agent.assembly.intents.replace(rig.config(input([])));
    await eventually(async () => (await flows(rig)).length === 0, 'the chains are gone');
    expect(await others()).toEqual(before);
  });

  it('say which foreign flow is in the place of one of theirs, and take the place when it is free', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: names });
    const agent = await start(rig);
    const a = await ofport(rig, 'a');
    // An ADD takes the place of the flow with the same match, whoever made that one.
    await rig.lab.ofctl('-O', 'OpenFlow15', 'add-flow', 'br-sfc', `cookie=0x9,priority=100,in_port=${a},actions=drop`);
    const status = await agent.until((said) => chainReason(said, 'wire') === 'ChainFlowBlocked', 'blocked');
    expect(status.findings.map(({ reason }) => reason)).toContain('ChainFlowBlocked');
    expect(chainReason(status, 'lan')).toBe('Ready');
    expect(await flows(rig, 'cookie=0x9/-1')).toHaveLength(1);
    await rig.lab.ofctl('-O', 'OpenFlow15', 'del-flows', 'br-sfc', 'cookie=0x9/-1');
    await agent.until(isReady('wire', 'lan'), 'ready again');
  });

  it('follow a port that vanishes, returns and gets another number, and never name the one who has its old number', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: names });
    // Ports of others, so that the agent has no say in their numbers.
    const port = async (name: string, number: number, label = `ns/${name}`): Promise<void> => {
      const ids = `external_ids:dpf-id=${label}`;
      const set = ['--', 'set', 'Interface', name, ids, `ofport_request=${number}`];
      await rig.lab.vsctl('add-port', 'br-sfc', name, ...set);
    };
    const config = { bridges: [{ name: 'br-sfc', mode: 'share' }], chains: [wire, lan] };
    await rig.lab.vsctl('add-br', 'br-sfc', '--', 'set', 'Bridge', 'br-sfc', 'fail_mode=secure');
    for (const [index, name] of names.entries()) await port(name, index + 1);
    const agent = rig.inner(config, patient);
    await agent.until(isReady('wire', 'lan'), 'ready');
    const wireFlows = async (): Promise<string> =>
      (await flows(rig, `${chainCookies},table=0`))
        .filter((line) => /in_port=(?:1|2|9|17) /.test(line))
        .map((line) => line.replace(/.*(in_port=\d+) actions=(.*)/, '$1→$2'))
        .join(' ');
    const become = (text: string): Promise<unknown> =>
      eventually(async () => (await wireFlows()) === text, `the flows are ${text}`);
    await become('in_port=1→output:2 in_port=2→output:1');
    await rig.lab.vsctl('del-port', 'br-sfc', 'b');
    await become('in_port=1→drop');
    await agent.until((status) => chainReason(status, 'wire') === 'ChainPortsNotReady', 'not ready');
    // Somebody else gets its number: the chain has let it go.
    await port('stranger', 2);
    await port('b', 9);
    await become('in_port=1→output:9 in_port=9→output:1');
    await agent.until(isReady('wire', 'lan'), 'ready again');
    await rig.lab.vsctl('set', 'Interface', 'b', 'ofport_request=17');
    await become('in_port=1→output:17 in_port=17→output:1');
    // Both at once: the two ports of the chain exchange their numbers with others.
    const exchange = ['del-port', 'br-sfc', 'b', '--', 'del-port', 'br-sfc', 'stranger'];
    const back = [
      '--',
      'add-port',
      'br-sfc',
      'b',
      '--',
      'set',
      'Interface',
      'b',
      'ofport_request=2',
      'external_ids:dpf-id=ns/b',
    ];
    const there = ['--', 'add-port', 'br-sfc', 'stranger', '--', 'set', 'Interface', 'stranger', 'ofport_request=17'];
    await rig.lab.vsctl(...exchange, ...back, ...there);
    await become('in_port=1→output:2 in_port=2→output:1');
    await agent.until(isReady('wire', 'lan'), 'ready at last');
    expect((await flows(rig)).filter((line) => line.includes('in_port=17') || line.includes('output:17'))).toEqual([]);
  });

  it('forget at once what a switch learned about a port that is gone', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: names });
    await start(rig);
    const packet =
      'in_port(1),eth(src=02:00:00:00:00:01,dst=ff:ff:ff:ff:ff:ff),eth_type(0x0800),ipv4(src=1.1.1.1,dst=2.2.2.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)';
    await rig.lab.appctl('netdev-dummy/receive', 'c', packet);
    const learned = (): Promise<readonly string[]> => flows(rig, `${chainCookies},table=13`);
    await eventually(async () => (await learned()).length === 1, 'a station was learned');
    await rig.lab.vsctl('del-port', 'br-sfc', 'c');
    await eventually(async () => (await learned()).length === 0, 'it was forgotten');
  });

  it('keep the earlier version of a chain whose newest is bad, also over a restart of the agent', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: names });
    const first = await start(rig);
    const before = await flows(rig);
    // The first port alone would be fine; the second belongs to the other chain.
    const bad = chain('wire', [service('f'), service('c')]);
    first.assembly.intents.replace(rig.config(input([bad, lan])));
    const refused = await first.until((status) => chainReason(status, 'wire') === 'ChainRefused', 'refused');
    const condition = refused.conditions.find(({ object }) => object.kind === 'chain' && object.name === 'wire');
    expect(condition?.message).toMatch(/lan.*ns\/c|wants c on br-sfc, which port lan/);
    expect(chainReason(refused, 'lan')).toBe('Ready');
    expect(await flows(rig)).toEqual(before);
    await first[Symbol.asyncDispose]();
    const second = rig.inner(input([bad, lan]), patient);
    await second.until((status) => chainReason(status, 'wire') === 'ChainRefused', 'refused again');
    await second.until((status) => chainReason(status, 'lan') === 'Ready', 'the other is ready');
    expect(await flows(rig)).toEqual(before);
    expect(second.status?.journal.filter(({ summary }) => summary.startsWith('program'))).toEqual([]);
    second.assembly.intents.replace(rig.config(input([wire, lan])));
    await second.until(isReady('wire', 'lan'), 'the good version is in force');
    expect(await flows(rig)).toEqual(before);
  });

  it('are left alone, counters and ages included, by changes of other chains and by a restart of the agent', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: names });
    const first = await start(rig);
    await eventually(
      async () => (await durations(rig)).every((seconds) => seconds > 0.3),
      'they have been there for a while',
    );
    const mine = await flows(rig);
    first.assembly.intents.replace(rig.config(input([wire, lan, chain('more', [service('f'), service('e')])])));
    await first.until((status) => chainReason(status, 'more') === 'ChainPortClaimedTwice', 'a bad newcomer is refused');
    first.assembly.intents.replace(rig.config(input([wire, lan])));
    await first.until((status) => chainReason(status, 'more') === undefined, 'and gone');
    await first[Symbol.asyncDispose]();
    const second = rig.inner(input([wire, lan]), patient);
    await second.until(isReady('wire', 'lan'), 'ready');
    expect(await flows(rig)).toEqual(mine);
    expect(Math.min(...(await durations(rig)))).toBeGreaterThan(0.3);
  });

  it('are all back after a restart of vswitchd, and are not called ready before they were read', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: names });
    const agent = await start(rig);
    const before = await flows(rig);
    await rig.lab.killVswitchd();
    await agent.until((status) => chainReason(status, 'wire') === 'ChainFlowsUnread', 'unread');
    await rig.lab.startVswitchd();
    await eventually(async () => JSON.stringify(await flows(rig)) === JSON.stringify(before), 'all are back');
    await agent.until(isReady('wire', 'lan'), 'ready');
  });

  it('are right in the end when vswitchd dies again and again in the midst of changes', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: names });
    const agent = await start(rig);
    const versions = [
      [wire, lan],
      [chain('wire', [service('a'), service('b'), service('f')])],
      [chain('wire', [service('c'), service('d')]), chain('more', [service('a'), service('e'), service('f')])],
    ] as const;
    let seen = agent.status?.journal.length ?? 0;
    for (let turn = 1; turn <= 9; turn += 1) {
      const version = versions[turn % versions.length] ?? [];
      agent.assembly.intents.replace(rig.config(input(version)));
      // Every third time the bundle is on its way; else the agent has not looked yet.
      if (turn % 3 === 0) await agent.until(({ journal }) => journal.length > seen, 'it has begun');
      await rig.lab.killVswitchd();
      await rig.lab.startVswitchd();
      seen = agent.status?.journal.length ?? 0;
    }
    await agent.until(isReady('wire', 'lan'), 'ready');
    expect((await flows(rig, `${chainCookies},table=0`)).length).toBe(5);
    expect(agent.bugs).toEqual([]);
  });

  it('go from a bridge that is shared when its chain goes, also when the agent was away meanwhile', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: names });
    const add = names.flatMap((name) => [
      '--',
      'add-port',
      'br-sfc',
      name,
      '--',
      'set',
      'Interface',
      name,
      `external_ids:dpf-id=ns/${name}`,
    ]);
    await rig.lab.vsctl('add-br', 'br-sfc', '--', 'set', 'Bridge', 'br-sfc', 'fail_mode=secure', ...add);
    const shared = { bridges: [{ name: 'br-sfc', mode: 'share' }] };
    const first = rig.inner({ ...shared, chains: [wire, lan] }, patient);
    await first.until(isReady('wire', 'lan'), 'ready');
    first.assembly.intents.replace(rig.config({ ...shared, chains: [lan] }));
    await eventually(async () => (await flows(rig, `${chainCookies},table=0`)).length === 3, 'one chain is gone');
    await first[Symbol.asyncDispose]();
    rig.inner({ ...shared, chains: [] }, patient);
    await eventually(async () => (await flows(rig)).length === 0, 'the other is gone');
  });
});

describe('flow-restore-wait', () => {
  it('keeps chains from being called ready while vswitchd waits for flows, and is never touched by the agent', async () => {
    await using rig = await Rig.start({ vswitchd: true, devices: names });
    const agent = await start(rig);
    const before = await flows(rig);
    await rig.lab.killVswitchd();
    const key = 'other_config:flow-restore-wait';
    await rig.lab.vsctl('set', 'Open_vSwitch', '.', `${key}=true`);
    await rig.lab.startVswitchd();
    // The flows are put in place meanwhile, so that forwarding starts with them.
    await eventually(async () => JSON.stringify(await flows(rig)) === JSON.stringify(before), 'all flows are there');
    await agent.until((status) => chainReason(status, 'wire') === 'ChainRestoreWait', 'it waits');
    expect(await rig.lab.vsctl('get', 'Open_vSwitch', '.', key)).toBe('"true"\n');
    await rig.lab.vsctl('remove', 'Open_vSwitch', '.', 'other_config', 'flow-restore-wait');
    await agent.until(isReady('wire', 'lan'), 'ready');
    expect(await flows(rig)).toEqual(before);
  });
});
