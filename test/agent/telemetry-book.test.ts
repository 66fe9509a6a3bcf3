import { describe, expect, it } from 'vitest';
import { TelemetryBook } from '../../src/agent/telemetry-book.js';
import { AgentWorld } from '../fakes/agent-world.js';
import { podOf } from '../fakes/attach-inputs.js';
import { AttachLoopWorld } from '../fakes/attach-loop-world.js';
import { bridgeIntent } from '../fakes/plan-rows.js';

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

describe('the telemetry book', () => {
  it('counts rounds, writes and what was repaired', () => {
    const book = new TelemetryBook();
    const ports = book.recorder('ports');
    ports.round(0);
    ports.round(12);
    ports.wrote(['createPort', 'createPort', 'editInterface']);
    book.recorder('chains').wrote(['addFlow']);

    expect(book.loops()).toMatchObject([
      { loop: 'ports', rounds: 2, writes: 1 },
      { loop: 'chains', rounds: 0, writes: 1 },
    ]);
    expect(Object.fromEntries(book.repairs())).toEqual({ createPort: 2, editInterface: 1, addFlow: 1 });
  });

  it('puts each time into the bucket whose bound it does not exceed, and the longest above all bounds', () => {
    const book = new TelemetryBook();
    const recorder = book.recorder('attach');
    for (const ms of [1, 1.1, 2.5, 10_000, 60_000]) recorder.took('apply', ms);

    const apply = book.loops()[0]?.latency.get('apply');
    expect(apply?.counts.slice(0, 3)).toEqual([1, 2, 0]);
    expect(apply?.counts.slice(-2)).toEqual([1, 1]);
    expect(apply?.counts).toHaveLength((apply?.boundsSeconds.length ?? 0) + 1);
    expect(apply?.sumSeconds).toBeCloseTo(70.0046);
  });

  it('keeps a clock that went back from making a negative time', () => {
    const book = new TelemetryBook();
    book.recorder('ports').took('plan', -5);
    expect(book.loops()[0]?.latency.get('plan')?.sumSeconds).toBe(0);
  });

  it('bounds how many kinds it knows', () => {
    const book = new TelemetryBook();
    book.recorder('ports').wrote(Array.from({ length: 1_000 }, (_, index) => `kind${index}`));
    expect(book.repairs().size).toBe(65);
    expect(sumOf([...book.repairs().values()])).toBe(1_000);
    expect(book.repairs().get('other')).toBe(936);
  });

  it('counts entries of the journal that are no longer kept', () => {
    const book = new TelemetryBook();
    for (let count = 0; count < 3; count += 1) book.noteEntry({ kind: 'change', outcome: 'applied' });
    book.noteEntry({ kind: 'audit', outcome: 'refused' });
    expect(book.journal()).toEqual([
      { kind: 'change', outcome: 'applied', count: 3 },
      { kind: 'audit', outcome: 'refused', count: 1 },
    ]);
  });

  it('asks the clients for their sessions and flows each time anew', () => {
    const book = new TelemetryBook();
    let isUp = false;
    const flows = new Map([['br-sfc', [1, 2, 3]]]);
    book.addSessions(() => [{ protocol: 'ovsdb', peer: 'Open_vSwitch', isUp, connects: 1, failures: 2 }]);
    book.setFlows(() => flows);
    isUp = true;
    expect(book.sessions()).toMatchObject([{ protocol: 'ovsdb', isUp: true }]);
    expect([...book.flows()]).toEqual([['br-sfc', 3]]);
    flows.clear();
    expect(book.flows().size).toBe(0);
  });

  it('hears from the loop of the ports what it did, and nothing while it does nothing', async () => {
    const world = new AgentWorld({ fullResyncMs: 1_000 });
    world.intents = { bridges: [bridgeIntent('br-a')], ports: [] };
    world.reconciler.start();
    await world.pass(200);
    const [ports] = world.book.loops();
    expect(ports).toMatchObject({ loop: 'ports', writes: 1 });
    expect(Object.fromEntries(world.book.repairs())).toEqual({ createBridge: 1, createPort: 1 });
    expect(sumOf(ports?.latency.get('apply')?.counts ?? [])).toBe(1);
    expect(sumOf(ports?.latency.get('total')?.counts ?? [])).toBe(1);
    const rounds = ports?.rounds ?? 0;
    await world.pass(3_000);
    expect(ports).toMatchObject({ rounds: rounds + 3, writes: 1 });
    await world.reconciler.close();
  });

  it('hears from the loop of the pods', async () => {
    const world = await new AttachLoopWorld().put(podOf('a', { details: { default: '0/1' } })).start();
    const [attach] = world.book.loops();
    expect(attach).toMatchObject({ loop: 'attach', writes: 1 });
    expect(Object.fromEntries(world.book.repairs())).toEqual({ attach: 1 });
    expect([...(attach?.latency.keys() ?? [])]).toEqual(expect.arrayContaining(['plan', 'apply', 'total']));
  });
});
