import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConditionSlots } from '../../src/ovsdb/condition-slots.js';

describe('condition slots', () => {
  it('ask for everything at once when the replica is loaded anew', () => {
    const slots = new ConditionSlots<string>();
    slots.set('T', 'one');
    slots.set('T', 'two');
    expect([...slots.forMonitor(false)]).toEqual([['T', 'two']]);
    expect(slots.isSettled('T')).toBe(true);
    expect(slots.takeChanges()).toBeUndefined();
  });

  it('resume with what the replica was built with, and send the change afterwards', () => {
    const slots = new ConditionSlots<string>();
    slots.set('T', 'old');
    slots.forMonitor(false);
    slots.set('T', 'new');
    expect([...slots.forMonitor(true)]).toEqual([['T', 'old']]);
    expect([...(slots.takeChanges() ?? [])]).toEqual([['T', 'new']]);
  });

  it('have one change on its way at a time', () => {
    const slots = new ConditionSlots<string>();
    slots.set('T', 'one');
    slots.takeChanges();
    slots.set('T', 'two');
    slots.set('U', 'three');
    expect(slots.takeChanges()).toBeUndefined();
    expect(slots.newest('T')).toBe('two');
    slots.acknowledge();
    expect([...(slots.takeChanges() ?? [])]).toEqual([
      ['T', 'two'],
      ['U', 'three'],
    ]);
  });

  it('tell that a resume would lose rows when the connection goes with a change on its way', () => {
    const slots = new ConditionSlots<string>();
    slots.set('T', 'one');
    expect(slots.disconnect()).toBe(false);
    slots.takeChanges();
    expect(slots.disconnect()).toBe(true);
    expect(slots.isSettled('T')).toBe(false);
    expect([...slots.forMonitor(false)]).toEqual([['T', 'one']]);
  });

  it('keep a newer wish when a change that was on its way is lost', () => {
    const slots = new ConditionSlots<string>();
    slots.set('T', 'sent');
    slots.takeChanges();
    slots.set('T', 'newer');
    slots.disconnect();
    expect([...slots.forMonitor(false)]).toEqual([['T', 'newer']]);
  });

  it('end with the server filtering by the last wish, whatever happens on the way', () => {
    const step = fc.oneof(
      fc.nat(9).map((value) => ({ kind: 'set' as const, value })),
      fc.constantFrom({ kind: 'take' as const }, { kind: 'acknowledge' as const }, { kind: 'lose' as const }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const slots = new ConditionSlots<number>();
        let wish = -1;
        let server: number | undefined;
        let onTheWay: number | undefined;
        const take = (): void => {
          onTheWay = slots.takeChanges()?.get('T') ?? onTheWay;
        };
        const acknowledge = (): void => {
          if (onTheWay === undefined) return;
          server = onTheWay;
          onTheWay = undefined;
          slots.acknowledge();
        };
        for (const done of [{ kind: 'set' as const, value: 0 }, ...steps]) {
          if (done.kind === 'set') slots.set('T', (wish = done.value));
          if (done.kind === 'take') take();
          if (done.kind === 'acknowledge') acknowledge();
          if (done.kind === 'lose') {
            const isResume = !slots.disconnect();
            onTheWay = undefined;
            server = slots.forMonitor(isResume).get('T');
          }
        }
        take();
        acknowledge();
        take();
        acknowledge();
        expect(server).toBe(wish);
        expect(slots.isSettled('T')).toBe(true);
      }),
    );
  });
});
