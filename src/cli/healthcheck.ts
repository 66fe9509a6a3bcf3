#!/usr/bin/env node
/**
 * `healthcheck live|started|ready [--socket PATH] [--timeout-ms N]`: the probe of a container, over the agent's own socket. `live`: the
 * loops of the agent go on, whatever they find; for whoever restarts what is not. `started`: the bridges are right, and nothing is
 * left that the agent could do; for whoever waits for its start. `ready`: everything wanted is there, on fresh
 * evidence. Ends with 0 for yes and 1 for anything else; why not is told on stderr.
 */

import { parseArgs } from 'node:util';
import { systemClock } from '../lib/clock.js';
import { toError } from '../lib/errors.js';
import { askHealth, type HealthAnswer } from './health-call.js';

const options = {
  socket: { type: 'string', default: '/run/dpu-node-agent/api.sock' },
  'timeout-ms': { type: 'string', default: '2000' },
} as const;

/** The part of the agent's health that answers the question. */
const parts: Readonly<Record<string, string>> = { live: 'live', started: 'started', ready: '' };

function reasonOf(answer: HealthAnswer, question: string): string | undefined {
  if (answer.kind === 'serving') return undefined;
  return answer.kind === 'notServing' ? `the agent is not ${question}` : answer.reason;
}

async function check(args: readonly string[]): Promise<string | undefined> {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const [question = ''] = positionals;
  const part = parts[question];
  const timeoutMs = Number(values['timeout-ms']);
  if (part === undefined || positionals.length > 1 || !(timeoutMs >= 1 && timeoutMs <= 60_000)) {
    return 'usage: healthcheck live|started|ready [--socket PATH] [--timeout-ms 1 to 60000]';
  }
  return reasonOf(await askHealth({ socket: values.socket, part, timeoutMs }, systemClock), question);
}

const reason = await check(process.argv.slice(2)).catch((error: unknown) => toError(error).message);
if (reason !== undefined) process.stderr.write(`healthcheck: ${reason}\n`);
process.exitCode = reason === undefined ? 0 : 1;
