/**
 * The agent's log: structured, one line per real change, silent while nothing happens. The only importer of pino. Text
 * that others wrote is escaped and bounded before it gets here or by `facts` below.
 */

import { pino, type DestinationStream, type Logger } from 'pino';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';

export type { Logger } from 'pino';

/** A logger that writes JSON lines, synchronously: a line that was logged survives a crash right after it. */
export function createLogger(
  level: string,
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
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
