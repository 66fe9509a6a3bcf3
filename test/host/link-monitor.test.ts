import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IpLinkMonitor, noLinkMonitor } from '../../src/host/link-monitor.js';
import type { LinkListener, WatchState } from '../../src/host/link-monitor.js';
import { systemClock } from '../../src/lib/clock.js';
import type { Clock } from '../../src/lib/clock.js';
import { FakeTool } from '../fakes/fake-tool.js';

/** Each test waits for what it expects, this long at most. */
const patience = { timeout: 10_000, interval: 5 };

class Recorder implements LinkListener {
  lookCount = 0;
  readonly states: WatchState[] = [];

  look(): void {
    this.lookCount += 1;
  }

  watchChanged(state: WatchState): void {
    this.states.push(state);
  }
}

/** The real clock, with the waits written down and shortened. */
function hastyClock(waits: number[]): Clock {
  return {
    ...systemClock,
    after: (delayMs, callback, isBackground) => {
      waits.push(delayMs);
      return systemClock.after(Math.min(delayMs, 20), callback, isBackground);
    },
  };
}

let tool: FakeTool;
let recorder: Recorder;
let monitor: IpLinkMonitor | undefined;

beforeEach(async () => {
  tool = await FakeTool.create('true');
  recorder = new Recorder();
});

afterEach(async () => {
  await monitor?.close();
  monitor = undefined;
  await tool[Symbol.asyncDispose]();
});

function start(clock: Clock = systemClock): void {
  monitor = new IpLinkMonitor({ clock, random: () => 0.999, tool });
  monitor.start(recorder);
}

describe('IpLinkMonitor', () => {
  it('asks for a look at the start and for one more when the child has settled', async () => {
    await tool.rewrite('exec sleep 1000');
    const waits: number[] = [];
    start(hastyClock(waits));
    await vi.waitFor(() => expect(recorder.lookCount).toBe(2), patience);
    expect(recorder.states).toEqual([{ mode: 'events' }]);
    expect(waits[0]).toBe(1_000);
    expect(await tool.calls()).toEqual(['-o monitor link']);
  });

  it('asks for a look on each output, and on lost events too', async () => {
    await tool.rewrite(
      'while [ ! -e "$D/go" ]; do sleep 0.02; done; echo event; while [ ! -e "$D/more" ]; do sleep 0.02; done; echo lost >&2; exec sleep 1000',
    );
    start();
    await vi.waitFor(() => expect(recorder.lookCount).toBe(2), patience);
    await tool.put('go', '');
    await vi.waitFor(() => expect(recorder.lookCount).toBe(3), patience);
    await tool.put('more', '');
    await vi.waitFor(() => expect(recorder.lookCount).toBe(4), patience);
  });

  it('says why it polls when the child ends, and starts it again with growing waits', async () => {
    await tool.rewrite('echo "Cannot open netlink socket" >&2; exit 1');
    const waits: number[] = [];
    start(hastyClock(waits));
    await vi.waitFor(async () => expect((await tool.calls()).length).toBeGreaterThanOrEqual(4), patience);
    expect(recorder.states).toContainEqual({
      mode: 'polling',
      reason: 'ip monitor ended: Cannot open netlink socket',
    });
    const restarts = waits.filter((wait) => wait !== 1_000).slice(0, 3);
    expect(restarts.map(Math.round)).toEqual([500, 999, 1998]);
  });

  it('goes back to events when the child can be started again', async () => {
    await tool.rewrite('[ -e "$D/well" ] || exit 1; exec sleep 1000');
    start(hastyClock([]));
    await vi.waitFor(() => expect(recorder.states.at(-1)?.mode).toBe('polling'), patience);
    await tool.put('well', '');
    await vi.waitFor(async () => {
      expect(recorder.states.at(-1)?.mode).toBe('events');
      const calls = (await tool.calls()).length;
      expect(recorder.states.filter((state) => state.mode === 'events')).toHaveLength(calls);
    }, patience);
  });

  it('polls when ip is not installed', async () => {
    monitor = new IpLinkMonitor({
      clock: systemClock,
      random: () => 0.999,
      tool: { file: '/nonexistent/ip', args: [] },
    });
    monitor.start(recorder);
    await vi.waitFor(
      () => expect(recorder.states).toEqual([{ mode: 'polling', reason: 'ip monitor ended: ENOENT' }]),
      patience,
    );
  });

  it('leaves no child behind, even one that does not listen to SIGTERM', async () => {
    await tool.rewrite(`trap '' TERM; echo $$ > "$D/pid"; while :; do sleep 0.05; done`);
    start(hastyClock([]));
    await vi.waitFor(async () => expect(await tool.text('pid')).toMatch(/^\d+\n$/), patience);
    const pid = Number(await tool.text('pid'));
    await monitor?.close();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('can be closed while it waits to start again', async () => {
    await tool.rewrite('exit 1');
    start();
    await vi.waitFor(() => expect(recorder.states.at(-1)?.mode).toBe('polling'), patience);
    await monitor?.close();
    expect(recorder.states.at(-1)?.mode).toBe('polling');
  });
});

describe('noLinkMonitor', () => {
  it('says that it polls', async () => {
    noLinkMonitor.start(recorder);
    expect(recorder.states).toEqual([{ mode: 'polling', reason: 'no monitor is configured' }]);
    await noLinkMonitor.close();
  });
});
