import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initialLink, linkDeadlineMs, stepLink } from '../../src/lib/link.js';
import type { LinkEvent, LinkState, LinkTiming } from '../../src/lib/link.js';

const scenarios = new URL('../scenarios/', import.meta.url);
const timing: LinkTiming = {
  dialMsMax: 5000,
  probeMs: 10_000,
  usefulMsMin: 3000,
  freeTries: 0,
  backoff: { baseMs: 1000, capMs: 8000 },
};

function show(state: LinkState, effects: readonly string[]): string {
  const wait = state.kind === 'waiting' ? ` until ${state.untilMs} after ${state.failures} failures` : '';
  const useful =
    'usefulSinceMs' in state && state.usefulSinceMs !== undefined ? ` useful since ${state.usefulSinceMs}` : '';
  return `  ${state.kind}${wait}${useful} [${effects.join(' ')}]`;
}

/** Runs the events of a script and writes the transcript that they really lead to. */
function transcribe(script: string): string {
  let state = initialLink(0);
  let used = timing;
  const lines: string[] = [];
  for (const line of script.split('\n')) {
    if (line.startsWith('  ')) continue;
    lines.push(line);
    const [head = '', argument = ''] = line.split(' ');
    if (head === 'freeTries') used = { ...timing, freeTries: Number(argument) };
    if (!/^\d/.test(head)) continue;
    const [next, effects] = stepLink(state, { kind: argument } as LinkEvent, Number(head), used, 1);
    state = next;
    lines.push(show(state, effects));
  }
  return lines.join('\n');
}

const kinds: readonly LinkEvent['kind'][] = ['tick', 'connected', 'heard', 'useful', 'readTried', 'lost', 'redial'];
const walk = fc.array(
  fc.record({
    kind: fc.constantFrom(...kinds),
    passMs: fc.nat(20_000),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }),
  { maxLength: 60 },
);

describe('the link machine', () => {
  for (const name of readdirSync(scenarios).filter((file) => file.startsWith('link-'))) {
    it(`follows the script ${name}`, () => {
      const script = readFileSync(new URL(name, scenarios), 'utf8');
      expect(transcribe(script)).toBe(script);
    });
  }

  it('always has a finite deadline, and a tick at it always does something', () => {
    fc.assert(
      fc.property(walk, fc.nat(4), (events, freeTries) => {
        const used = { ...timing, freeTries };
        let state = initialLink(0);
        let nowMs = 0;
        for (const event of events) {
          const deadlineMs = linkDeadlineMs(state, used);
          expect(Number.isFinite(deadlineMs)).toBe(true);
          const [, effects] = stepLink(state, { kind: 'tick' }, Math.max(nowMs, deadlineMs), used, event.random);
          expect(effects).not.toHaveLength(0);
          nowMs += event.passMs;
          state = stepLink(state, { kind: event.kind }, nowMs, used, event.random)[0];
        }
      }),
    );
  });

  it('dials only when nothing is open, and hangs up whatever it dialled before it dials again', () => {
    fc.assert(
      fc.property(walk, (events) => {
        let state = initialLink(0);
        let nowMs = 0;
        let isOpen = false;
        for (const event of events) {
          nowMs += event.passMs;
          const [next, effects] = stepLink(state, { kind: event.kind }, nowMs, timing, event.random);
          for (const effect of effects) {
            if (effect === 'dial') expect(isOpen).toBe(false);
            else expect(isOpen).toBe(true);
            if (effect === 'dial') isOpen = true;
            if (effect === 'hangUp') isOpen = false;
          }
          state = next;
        }
      }),
    );
  });

  it('never waits longer than the cap of the backoff', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (losses, random) => {
          let state = initialLink(0);
          for (let loss = 0; loss < losses; loss += 1) {
            const nowMs = linkDeadlineMs(state, timing);
            state = stepLink(state, { kind: 'tick' }, nowMs, timing, random)[0];
            state = stepLink(state, { kind: 'lost' }, nowMs, timing, random)[0];
            expect(linkDeadlineMs(state, timing) - nowMs).toBeLessThanOrEqual(timing.backoff.capMs);
          }
        },
      ),
      { numRuns: 20 },
    );
  });
});
