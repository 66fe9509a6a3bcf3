/**
 * The agent's log: structured, one line per real change, silent while nothing happens. The only importer of pino. Text
 * that others wrote is escaped and bounded before it gets here or by `facts` below.
 */

import { pino, type DestinationStream, type Logger } from 'pino';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';

export type { Logger } from 'pino';

export type LogFormat = 'json' | 'pretty';

/**
 * A logger that writes one line an event, synchronously: a line that was logged survives a crash right after it.
 * @param format JSON, or text for a person
 */
export function createLogger(
  level: string,
  format: LogFormat = 'json',
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'json' ? destination : { write: (line: string) => destination.write(formatPretty(line)) },
  );
}

/** A JSON log line as text: `12:00:00.000 info  agent starts  owner=dpu-node-agent`. */
export function formatPretty(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const words = Object.entries(fields).map(([key, value]) => `${key}=${formatField(value)}`);
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  return `${[clock, String(level).padEnd(5), String(msg), ...words].join(' ')}\n`;
}

/** A word as it is, everything else as JSON, which also keeps it on one line. */
function formatField(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
}

/** An error as log fields: its code, sentence, facts and remedy, and the sentence of its cause. */
export function errorFields(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof AgentError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { error: safeText(text, 4_000) };
  }
  const facts = Object.entries(error.facts).map(([key, value]) => [
    key,
    typeof value === 'string' ? safeText(value) : String(value),
  ]);
  const cause = error.cause instanceof Error ? safeText(error.cause.message) : undefined;
  const { code, remedy } = error;
  return {
    ...(Object.fromEntries(facts) as Record<string, string>),
    code,
    error: safeText(error.message),
    remedy,
    cause,
  };
}
