import { describe, expect, it } from 'vitest';
import { parseListPage, parseWatchEvent } from '../../src/kube/watch-event.js';
import { AgentError } from '../../src/lib/errors.js';

const metadata = { uid: 'u', resourceVersion: '7' };

function parse(event: unknown): ReturnType<typeof parseWatchEvent> {
  return parseWatchEvent(JSON.stringify(event), '/api/v1/pods');
}

describe('an event of a watch', () => {
  it('names what is there, what is gone, and how far it has been told', () => {
    const object = { metadata, spec: {} };
    expect(parse({ type: 'ADDED', object })).toEqual({ kind: 'present', identity: metadata, object });
    expect(parse({ type: 'MODIFIED', object })).toMatchObject({ kind: 'present' });
    expect(parse({ type: 'DELETED', object })).toEqual({ kind: 'deleted', identity: metadata });
    expect(parse({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } })).toEqual({
      kind: 'bookmark',
      resourceVersion: '9',
    });
  });

  it('carries an error as the same status would have been as an answer', () => {
    const error = (object: unknown): string => {
      const event = parse({ type: 'ERROR', object });
      return event.kind === 'error' ? event.error.code : event.kind;
    };
    expect(error({ kind: 'Status', code: 410, reason: 'Expired' })).toBe('KUBE_GONE');
    expect(error({ kind: 'Status', code: 429 })).toBe('KUBE_THROTTLED');
    expect(error({ kind: 'Status' })).toBe('KUBE_SERVER_ERROR');
    expect(error({ kind: 'Status', code: '410' })).toBe('KUBE_SERVER_ERROR');
    expect(error(null)).toBe('KUBE_SERVER_ERROR');
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '"ADDED"',
    '{"type":"ADDED"}',
    '{"type":"ADDED","object":null}',
    '{"type":"ADDED","object":{"metadata":{"uid":5,"resourceVersion":"7"}}}',
    '{"type":"ADDED","object":{"metadata":{"uid":"u","resourceVersion":""}}}',
    '{"type":"BOOKMARK","object":{"metadata":{}}}',
    '{"type":"added","object":{"metadata":{"uid":"u","resourceVersion":"7"}}}',
    '{"type":"ADDED","__proto__":{"object":{"metadata":{"uid":"u","resourceVersion":"7"}}}}',
  ])('is refused when it is %s', (line) => {
    expect(() => parseWatchEvent(line, '/p')).toThrow(AgentError);
  });
});

describe('a page of a list', () => {
  it('has items, a version, and perhaps more to come', () => {
    const page = parseListPage({ metadata: { resourceVersion: '7', continue: 'more' }, items: [1, 2] });
    expect(page).toEqual({ items: [1, 2], resourceVersion: '7', continueToken: 'more' });
    const last = parseListPage({ metadata: { resourceVersion: '7', continue: '' }, items: null });
    expect(last).toEqual({ items: [], resourceVersion: '7', continueToken: undefined });
  });

  it.each([undefined, null, {}, [], 'x', { items: [] }, { metadata: { resourceVersion: '7' }, items: {} }])(
    'is not %j',
    (body) => {
      expect(() => parseListPage(body)).toThrow(AgentError);
    },
  );
});
