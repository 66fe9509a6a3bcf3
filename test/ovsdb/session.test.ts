import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../src/lib/errors.js';
import type { ErrorCode } from '../../src/lib/errors.js';
import { beginSession, stepSession } from '../../src/ovsdb/session.js';
import type { SessionEffect, SessionEvent, SessionStep } from '../../src/ovsdb/session.js';

const scenarios = new URL('../scenarios/', import.meta.url);

/** `refused CODE`, `verdict ok`, `verdict CODE`, `canceled data`, `replied`. */
function eventOf(line: string): SessionEvent {
  const [kind, argument = ''] = line.split(' ');
  const error = (): AgentError => new AgentError(argument as ErrorCode, 'scripted');
  switch (kind) {
    case 'refused':
      return { kind, error: error() };
    case 'verdict':
      return { kind, error: argument === 'ok' ? undefined : error() };
    case 'canceled':
      return { kind, monitor: argument === 'data' ? 'data' : 'server' };
    default:
      return { kind: 'replied' };
  }
}

function show(effect: SessionEffect): string {
  if (effect.kind === 'leave') return `leave ${effect.error.code}`;
  return effect.kind === 'monitorData' ? effect.method : effect.kind;
}

function transcribe(script: string): string {
  const lines: string[] = [];
  let step: SessionStep | undefined;
  for (const line of script.split('\n')) {
    if (line.startsWith('  ')) continue;
    lines.push(line);
    if (line === '' || line.startsWith('#')) continue;
    step = line === 'begin' || step === undefined ? beginSession() : stepSession(step[0], eventOf(line));
    lines.push(`  ${step[0].kind} [${step[1].map(show).join(', ')}]`);
  }
  return lines.join('\n');
}

describe('the session machine', () => {
  for (const name of readdirSync(scenarios).filter((file) => file.startsWith('session-'))) {
    it(`follows the script ${name}`, () => {
      const script = readFileSync(new URL(name, scenarios), 'utf8');
      expect(transcribe(script)).toBe(script);
    });
  }
});
