import { describe, expect, it, vi } from 'vitest';
import { ServiceNotify } from '../../src/host/service-notify.js';
import { systemClock } from '../../src/lib/clock.js';
import { FakeTool } from '../fakes/fake-tool.js';

const NOTIFY_SOCKET = '/run/systemd/notify';

function create(tool: FakeTool, env: Readonly<Record<string, string>> = { NOTIFY_SOCKET }) {
  const troubles: string[] = [];
  const onTrouble = (error: Error): void => void troubles.push(error.message);
  const notify = ServiceNotify.create({ clock: systemClock, env, pid: 7, onTrouble, tool });
  return { notify, troubles };
}

async function eventuallyCalls(tool: FakeTool, ...calls: readonly string[]): Promise<void> {
  await vi.waitFor(async () => expect(await tool.calls()).toEqual(calls), 10_000);
}

describe('what systemd is told', () => {
  it('is nothing where nobody listens', async () => {
    await using tool = await FakeTool.create('true');
    expect(create(tool, {}).notify).toBeUndefined();
    expect(create(tool, { NOTIFY_SOCKET: '' }).notify).toBeUndefined();
  });

  it('goes by systemd-notify to the socket, word by word', async () => {
    await using tool = await FakeTool.create('echo "$NOTIFY_SOCKET" > "$D/socket"');
    const { notify, troubles } = create(tool);
    notify?.tell({ READY: '1', STATUS: "All's well; $HOME" });
    await eventuallyCalls(tool, "READY=1 STATUS=All's well; $HOME");
    await vi.waitFor(async () => expect(await tool.text('socket')).toBe(`${NOTIFY_SOCKET}\n`), 5_000);
    expect(troubles).toEqual([]);
  });

  it('goes one after the other; what waits is merged, but for the stages, whose order counts', async () => {
    await using tool = await FakeTool.create('while [ ! -e "$D/go" ]; do sleep 0.01; done');
    const { notify } = create(tool);
    notify?.tell({ READY: '1' });
    notify?.tell({ STATUS: 'a' });
    notify?.tell({ WATCHDOG: '1' });
    notify?.tell({ STATUS: 'b' });
    notify?.tell({ RELOADING: '1' });
    notify?.tell({ READY: '1' });
    notify?.tell({ STATUS: 'c' });
    await tool.put('go', '');
    await eventuallyCalls(tool, 'READY=1', 'STATUS=b WATCHDOG=1 RELOADING=1', 'READY=1', 'STATUS=c');
  });

  it('does not gather without end while systemd does not answer', async () => {
    await using tool = await FakeTool.create('while [ ! -e "$D/go" ]; do sleep 0.01; done');
    const { notify } = create(tool);
    for (let count = 0; count < 1_000; count += 1) notify?.tell({ RELOADING: String(count) });
    await tool.put('go', '');
    await vi.waitFor(async () => expect((await tool.calls()).at(-1)).toBe('RELOADING=999'), 10_000);
    expect((await tool.calls()).length).toBeLessThanOrEqual(9);
  });

  it('complains once for each reason', async () => {
    await using tool = await FakeTool.create('echo "no such bus" >&2; exit 1');
    const { notify, troubles } = create(tool);
    notify?.tell({ READY: '1' });
    notify?.tell({ STATUS: 'a' });
    await eventuallyCalls(tool, 'READY=1', 'STATUS=a');
    await vi.waitFor(
      () => expect(troubles).toEqual(['systemd-notify cannot be used: it ended with code 1: no such bus']),
      5_000,
    );
  });

  it('has the time of the watchdog that watches this process', async () => {
    await using tool = await FakeTool.create('true');
    const timeOf = (env: Readonly<Record<string, string>>) =>
      create(tool, { NOTIFY_SOCKET, ...env }).notify?.watchdogMs;
    expect(timeOf({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '7' })).toBe(60_000);
    expect(timeOf({ WATCHDOG_USEC: '60000000' })).toBe(60_000);
    expect(timeOf({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '8' })).toBeUndefined();
    for (const WATCHDOG_USEC of ['', '0', '-1', 'x', '1e9']) expect(timeOf({ WATCHDOG_USEC })).toBeUndefined();
  });
});
