import { describe, expect, it } from 'vitest';
import { AgentError } from '../../src/lib/errors.js';
import { createLogger, errorFields, formatPretty, type LogFormat } from '../../src/telemetry/log.js';

function logged(
  level: string,
  format: LogFormat,
): { readonly lines: string[]; readonly logger: ReturnType<typeof createLogger> } {
  const lines: string[] = [];
  return { lines, logger: createLogger(level, format, { write: (line) => void lines.push(line) }) };
}

describe('the log', () => {
  it('is one JSON object a line, with the level as a word and the time as ISO 8601', () => {
    const { lines, logger } = logged('info', 'json');
    logger.info({ bridge: 'br-int' }, 'made');
    logger.debug('not written');
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0]!) as Record<string, string>;
    expect(line).toMatchObject({ level: 'info', bridge: 'br-int', msg: 'made' });
    expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Object.keys(line)).toEqual(['level', 'time', 'bridge', 'msg']);
  });

  it('is text for a person where that is asked for, still one line an event', () => {
    const { lines, logger } = logged('info', 'pretty');
    logger.warn({ object: 'port p0', list: ['a\nb'], ofport: 5 }, 'changed');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}changed object="port p0" list=\["a\\nb"\] ofport=5\n$/);
  });

  it('bears a line without time or message', () => {
    expect(formatPretty('{"level":"info","a":"b"}')).toContain('a=b');
  });

  it('tells of an error its code, its values and its remedy, and forges no line', () => {
    const cause = new Error('EACCES\u001b[2J');
    const facts = { path: '/x\n{"level":"fatal"}', count: 3n };
    const fields = errorFields(new AgentError('CONNECT_FAILED', 'no answer', { facts, cause, remedy: 'Start it.' }));
    expect(fields).toMatchObject({ code: 'CONNECT_FAILED', error: 'no answer', remedy: 'Start it.', count: '3' });
    for (const text of Object.values(fields)) expect(String(text)).toMatch(/^[\x20-\x7e]*$/);
  });

  it('tells of a bug where it happened', () => {
    expect(errorFields(new TypeError('a bug'))['error']).toContain('log.test');
    expect(errorFields('thrown text')).toEqual({ error: 'thrown text' });
  });
});
