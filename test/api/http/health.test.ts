import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../config/manual-clock.js';
import { ApiWorld, attachOf } from '../../fakes/api-world.js';

let world = new ApiWorld();
afterEach(() => world.close());

interface Ready {
  readonly isReady: boolean;
  readonly reasonCount: number;
  readonly reasons: readonly { readonly object: string; readonly reason: string }[];
  readonly checks?: readonly { readonly name: string; readonly isOk: boolean }[];
}

async function ready(query = ''): Promise<Ready & { readonly status: number }> {
  const answer = await world.get(`/readyz${query}`);
  return { status: answer.status, ...((await answer.json()) as Ready) };
}

const failed = (name: string) =>
  ({
    object: { kind: 'port', name, bridge: 'br-int' },
    state: 'failed',
    reason: 'LinkDown',
    message: 'The link is down.',
    evidence: {},
  }) as const;

describe('readiness', () => {
  it('is there while everything wanted is', async () => {
    world = await new ApiWorld().serve();
    expect(await ready()).toEqual({ status: 200, isReady: true, reasonCount: 0, reasons: [] });
  });

  it('lists every check to those who want to see them', async () => {
    world = await new ApiWorld().serve();
    const { checks } = await ready('?verbose');
    expect(checks?.map(({ name }) => name)).toEqual([
      'looked',
      'fresh',
      'ovsdb',
      'vswitchd',
      'objects',
      'pods',
      'repair',
    ]);
    expect(checks?.every(({ isOk }) => isOk)).toBe(true);
  });

  it('names each object that is not ready, and why', async () => {
    world = await new ApiWorld().serve();
    world.show({ isReady: false, conditions: [failed('p0')] });
    const answer = await ready();
    expect(answer).toMatchObject({ status: 503, isReady: false, reasonCount: 1 });
    expect(answer.reasons).toMatchObject([{ object: 'port p0 on br-int', reason: 'LinkDown' }]);
  });

  it('tells a bounded number of reasons, and how many there are', async () => {
    world = await new ApiWorld().serve();
    world.show({ isReady: false, conditions: Array.from({ length: 500 }, (_, index) => failed(`p${index}`)) });
    const answer = await ready();
    expect(answer.reasons).toHaveLength(20);
    expect(answer.reasonCount).toBe(500);
  });

  it('ends before the first look, without the database, and with a silent vswitchd', async () => {
    world = new ApiWorld();
    world.status = undefined;
    await world.serve();
    expect(await ready()).toMatchObject({ status: 503, reasons: [{ reason: 'looked' }] });
    world.show({ isReady: false, ovsdb: { kind: 'connecting', message: 'refused', code: undefined } });
    expect(await ready()).toMatchObject({ status: 503, reasons: [{ reason: 'ovsdb', message: 'refused' }] });
    world.show({ isReady: false, vswitchd: 'silent' });
    expect(await ready()).toMatchObject({ status: 503, reasons: [{ reason: 'vswitchd' }] });
  });

  it('outlives a host cluster that is away, but needs to have seen its pods once', async () => {
    world = await new ApiWorld().serve();
    const server = 'https://192.0.2.1';
    world.show({
      attach: attachOf(world.clock, {
        cluster: { kind: 'stale', server, sinceWallMs: 1, message: 'reset', code: undefined },
      }),
    });
    expect(await ready()).toMatchObject({ status: 200 });
    const cluster = { kind: 'connecting', server, message: 'refused', code: undefined } as const;
    world.show({ isReady: false, attach: attachOf(world.clock, { cluster }) });
    expect(await ready()).toMatchObject({ status: 503, reasons: [{ reason: 'pods' }] });
  });

  it('counts the pods without network, and does not take them for its own trouble', async () => {
    world = await new ApiWorld().serve();
    const failures = [
      { label: 'shop/web', reason: 'RepresentorClaimedTwice', message: '', device: undefined },
      { label: 'shop/db', reason: 'LinkRefused', message: '', device: 'rep0-1' },
    ];
    world.show({ attach: attachOf(world.clock, { podCount: 3, failures }) });
    const { status, checks = [] } = await ready('?verbose');
    expect(status).toBe(200);
    const message = '3 pods, in sync; 2 pods without network, 1 of them by what they ask for';
    expect(checks).toContainEqual({ name: 'pods', isOk: true, message });
  });

  it('ends with the evidence: an old status is none, however well it speaks', async () => {
    const clock = new ManualClock();
    world = await new ApiWorld(clock).serve();
    world.show();
    clock.advance(75_000);
    expect(await ready()).toMatchObject({ status: 200 });
    clock.advance(1);
    expect(await ready()).toMatchObject({ status: 503, reasons: [{ reason: 'fresh' }] });
    world.show();
    expect(await ready()).toMatchObject({ status: 200 });
  });
});

describe('the watchdog’s question', () => {
  it('is about the loops, not about whether all is well', async () => {
    const clock = new ManualClock();
    world = await new ApiWorld(clock).serve();
    world.show({ isReady: false, conditions: [failed('p0')] });
    expect((await world.get('/livez')).status).toBe(200);
    clock.advance(75_001);
    expect((await world.get('/livez')).status).toBe(503);
    expect((await world.get('/healthz')).status).toBe(200);
  });

  it('grants a first look some time, and no more', async () => {
    const clock = new ManualClock();
    world = new ApiWorld(clock);
    world.status = undefined;
    await world.serve();
    clock.advance(60_000);
    expect((await world.get('/livez')).status).toBe(200);
    clock.advance(1);
    expect((await world.get('/livez')).status).toBe(503);
  });

  it('is not misled by a wall clock that is set', async () => {
    const clock = new ManualClock();
    let aheadMs = 0;
    const jumping = {
      nowMs: () => clock.nowMs(),
      wallMs: () => clock.nowMs() + aheadMs,
      after: (delayMs: number, callback: () => void) => clock.after(delayMs, callback),
    };
    world = await new ApiWorld(jumping).serve();
    world.show();
    aheadMs = 86_400_000;
    expect((await world.get('/livez')).status).toBe(200);
    clock.advance(80_000);
    aheadMs = -80_000;
    expect((await world.get('/livez')).status).toBe(503);
  });
});

describe('the version', () => {
  it('is told', async () => {
    world = await new ApiWorld().serve();
    const answer = await world.get('/version');
    expect(await answer.json()).toEqual({
      version: '1.2.3',
      instanceId: 'instance-1',
      runtime: process.version,
      api: ['dpu.agent.v1'],
    });
  });
});
