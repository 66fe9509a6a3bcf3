import { describe, expect, it } from 'vitest';
import { observeMtuRange, setLinkDown, setLinkUp, setMtu } from '../../src/host/link.js';
import type { LinkOptions } from '../../src/host/link.js';
import { systemClock } from '../../src/lib/clock.js';
import { AgentError } from '../../src/lib/errors.js';
import { FakeTool } from '../fakes/fake-tool.js';

const optionsOf = (tool: FakeTool, more: Partial<LinkOptions> = {}): LinkOptions => ({
  clock: systemClock,
  tool,
  timeoutMs: 30_000,
  ...more,
});

async function failureOf(promise: Promise<unknown>): Promise<AgentError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AgentError)) throw new Error('expected an AgentError');
  return error;
}

describe('link changes', () => {
  it('are one call of ip each', async () => {
    await using tool = await FakeTool.create('true');
    await setLinkUp('c1pf0vf3', optionsOf(tool));
    await setLinkDown('c1pf0vf3', optionsOf(tool));
    await setMtu('c1pf0vf3', 9000, optionsOf(tool));
    expect(await tool.calls()).toEqual([
      'link set dev c1pf0vf3 up',
      'link set dev c1pf0vf3 down',
      'link set dev c1pf0vf3 mtu 9000',
    ]);
  });

  it.each(['-p0', 'a b', '../x', '1234567890123456', ''])('start nothing for the name %j', async (name) => {
    await using tool = await FakeTool.create('true');
    expect((await failureOf(setLinkUp(name, optionsOf(tool)))).code).toBe('NETDEV_REFUSED');
    expect(await tool.calls()).toEqual([]);
  });

  it('show a name that the kernel allows to no shell', async () => {
    await using tool = await FakeTool.create('true');
    await setLinkUp('p0;$(reboot)', optionsOf(tool));
    expect(await tool.calls()).toEqual(['link set dev p0;$(reboot) up']);
  });

  it.each([67, 65_536, 1500.5, Number.NaN, -1])('start nothing for the MTU %d', async (mtu) => {
    await using tool = await FakeTool.create('true');
    expect((await failureOf(setMtu('p0', mtu, optionsOf(tool)))).code).toBe('NETDEV_REFUSED');
    expect(await tool.calls()).toEqual([]);
  });

  it.each([
    ['NETDEV_MISSING', 'Cannot find device "p9"'],
    ['NETDEV_MISSING', 'RTNETLINK answers: No such device'],
    ['NETDEV_REFUSED', 'Error: mtu greater than device maximum.'],
    ['NETDEV_REFUSED', 'RTNETLINK answers: Operation not permitted'],
  ])('fail with %s on "%s" and keep the words', async (code, words) => {
    await using tool = await FakeTool.create(`echo '${words}' >&2; exit 2`);
    const error = await failureOf(setLinkUp('p9', optionsOf(tool)));
    expect(error).toMatchObject({ code, facts: { name: 'p9', reason: words } });
    expect(error.isOutcomeUnknown).toBe(false);
  });

  it('bound and clean the words', async () => {
    await using tool = await FakeTool.create(`printf '\\033[31m' >&2; yes | head -c 5000 >&2; exit 2`);
    const reason = String((await failureOf(setLinkUp('p9', optionsOf(tool)))).facts['reason']);
    expect(reason).not.toContain('\u001b');
    expect(reason.length).toBeLessThan(1500);
  });

  it('do not know the outcome when there is no answer in time', async () => {
    await using tool = await FakeTool.create('exec sleep 1000');
    const error = await failureOf(setLinkUp('p0', optionsOf(tool, { timeoutMs: 50 })));
    expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', isOutcomeUnknown: true });
  });

  it('tell a change given up before it began from one given up in mid-call', async () => {
    await using tool = await FakeTool.create('exec sleep 1000');
    const before = await failureOf(setLinkUp('p0', optionsOf(tool, { signal: AbortSignal.abort() })));
    expect(before).toMatchObject({ code: 'ABORTED', isOutcomeUnknown: false });
    const controller = new AbortController();
    const running = failureOf(setLinkUp('p0', optionsOf(tool, { signal: controller.signal })));
    controller.abort();
    expect(await running).toMatchObject({ code: 'ABORTED_IN_FLIGHT', isOutcomeUnknown: true });
  });

  it('are refused when ip is not installed', async () => {
    const tool = { file: '/nonexistent/ip', args: [] };
    const error = await failureOf(setLinkUp('p0', { clock: systemClock, tool }));
    expect(error).toMatchObject({ code: 'NETDEV_REFUSED', facts: { name: 'p0' } });
  });
});

describe('observeMtuRange', () => {
  it.each([
    ['[{"ifname":"p0","min_mtu":68,"max_mtu":9978}]', { min: 68, max: 9978 }],
    ['[{"ifname":"p0","min_mtu":68,"max_mtu":0}]', { min: 68, max: undefined }],
    ['[{"ifname":"p0"}]', undefined],
    ['[]', undefined],
  ])('reads %s', async (json, expected) => {
    await using tool = await FakeTool.create(`echo '${json}'`);
    expect(await observeMtuRange('p0', optionsOf(tool))).toEqual(expected);
  });

  it('refuses what is not JSON', async () => {
    await using tool = await FakeTool.create('echo 2: p0');
    expect((await failureOf(observeMtuRange('p0', optionsOf(tool)))).code).toBe('PEER_PROTOCOL');
  });
});
