import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../src/lib/errors.js';
import type { ErrorCode } from '../../src/lib/errors.js';
import { initialReflector, reflectorDeadlineMs, stepReflector } from '../../src/kube/reflector-machine.js';
import type {
  ReflectorEffect,
  ReflectorEvent,
  ReflectorState,
  ReflectorTiming,
} from '../../src/kube/reflector-machine.js';

const scenarios = new URL('../scenarios/', import.meta.url);

const timing: ReflectorTiming = {
  idleMsMax: 90_000,
  callMsMax: 60_000,
  watchMsMin: 300_000,
  watchMsMax: 300_000,
  usefulMsMin: 5_000,
  auditMsMax: 60_000,
  auditGapMs: 120_000,
  retryAfterMsMax: 300_000,
  pageSize: 500,
  pagesMax: 4,
  backoff: { baseMs: 1_000, capMs: 30_000 },
};

/** `page 100 more`, `failed KUBE_GONE name=value`, `advanced 7`, `heard` … */
function eventOf(line: string): ReflectorEvent {
  const [kind = '', first = '', second] = line.split(' ');
  switch (kind) {
    case 'page':
      return { kind, version: first, continueToken: second };
    case 'advanced':
      return { kind, version: first };
    case 'failed':
      return { kind, error: new AgentError(first as ErrorCode, 'scripted', { facts: factsOf(second) }) };
    default:
      return { kind: kind as 'tick' | 'opened' | 'heard' | 'ended' };
  }
}

function factsOf(text = ''): Record<string, string | number> {
  const [name = '', value = ''] = text.split('=');
  if (name === '') return {};
  return { [name]: /^\d+$/.test(value) ? Number(value) : value };
}

function showEffect(effect: ReflectorEffect): string {
  switch (effect.kind) {
    case 'list':
      return `list ${effect.limit}${effect.continueToken === undefined ? '' : ` ${effect.continueToken}`}`;
    case 'watch':
      return `watch ${effect.version}`;
    case 'report':
      return `report ${effect.error.code}`;
    default:
      return effect.kind;
  }
}

function showState(state: ReflectorState): string {
  const stale = state.isStale ? ' stale' : '';
  switch (state.kind) {
    case 'waiting':
      return `waiting until ${state.untilMs} for ${state.next}, ${state.failures} failures,${stale}`;
    case 'listing':
      return `listing${stale}`;
    default:
      return `${state.kind} at ${state.version ?? ''}${stale}`;
  }
}

function transcribe(script: string): string {
  const lines: string[] = [];
  let state = initialReflector(0, timing);
  for (const line of script.split('\n')) {
    if (line.startsWith('  ')) continue;
    lines.push(line);
    const match = /^(\d+) (.*)$/.exec(line);
    if (match === null) continue;
    const [next, effects] = stepReflector(state, eventOf(match[2] ?? ''), Number(match[1]), timing, 1);
    state = next;
    lines.push(`  ${showState(state)} [${effects.map(showEffect).join(', ')}]`);
  }
  return lines.join('\n');
}

const codes: readonly ErrorCode[] = [
  'CONNECT_FAILED',
  'CONNECTION_LOST',
  'KUBE_GONE',
  'KUBE_UNAUTHORIZED',
  'KUBE_SERVER_ERROR',
  'PEER_PROTOCOL',
  'LIMIT_EXCEEDED',
];

const event: fc.Arbitrary<ReflectorEvent> = fc.oneof(
  fc.constantFrom<ReflectorEvent>({ kind: 'tick' }, { kind: 'opened' }, { kind: 'heard' }, { kind: 'ended' }),
  fc.record({
    kind: fc.constant('page' as const),
    version: fc.nat(99).map(String),
    continueToken: fc.constantFrom(undefined, 'more'),
  }),
  fc.record({ kind: fc.constant('advanced' as const), version: fc.nat(99).map(String) }),
  fc.constantFrom(...codes).map((code): ReflectorEvent => ({ kind: 'failed', error: new AgentError(code, 'any') })),
);

const walk = fc.array(fc.tuple(event, fc.nat(100_000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), {
  maxLength: 60,
});

describe('the reflector machine', () => {
  for (const name of readdirSync(scenarios).filter((file) => file.startsWith('reflector-'))) {
    it(`follows the script ${name}`, () => {
      const script = readFileSync(new URL(name, scenarios), 'utf8');
      expect(transcribe(script)).toBe(script);
    });
  }

  it('always has a finite deadline, at which a tick does something', () => {
    fc.assert(
      fc.property(walk, (steps) => {
        let [state, nowMs] = [initialReflector(0, timing), 0];
        for (const [happened, waitMs, random] of steps) {
          nowMs += waitMs;
          [state] = stepReflector(state, happened, nowMs, timing, random);
          const deadlineMs = reflectorDeadlineMs(state, timing);
          expect(Number.isFinite(deadlineMs)).toBe(true);
          const [, effects] = stepReflector(state, { kind: 'tick' }, Math.max(nowMs, deadlineMs), timing, random);
          expect(effects.length).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('has at most one call under way, and commits whole lists alone', () => {
    fc.assert(
      fc.property(walk, (steps) => {
        let [state, nowMs, calls] = [initialReflector(0, timing), 0, 0];
        for (const [happened, waitMs, random] of steps) {
          nowMs += waitMs;
          const before = state;
          // What ends a call from outside.
          if (before.kind === 'listing' && happened.kind === 'page') calls = 0;
          if (before.kind === 'watching' && happened.kind === 'ended') calls = 0;
          const isLastPage =
            before.kind === 'listing' && happened.kind === 'page' && happened.continueToken === undefined;
          const [next, effects] = stepReflector(before, happened, nowMs, timing, random);
          for (const { kind } of effects) {
            if (kind === 'hangUp') calls = 0;
            if (kind === 'list' || kind === 'watch') calls += 1;
            if (kind === 'commit') expect(isLastPage).toBe(true);
            expect(calls).toBeLessThanOrEqual(1);
          }
          state = next;
          expect(calls).toBe(state.kind === 'waiting' ? 0 : 1);
        }
      }),
    );
  });
});
