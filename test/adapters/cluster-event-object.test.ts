import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventMessage, eventName, eventObject, repetition } from '../../src/adapters/cluster-event-object.js';
import type { EventFacts } from '../../src/adapters/cluster-event-object.js';

const reporter = { component: 'dpu-node-agent', instance: 'dpu-7' };
const pod = { uid: 'uid-1', namespace: 'shop', name: 'web-0' };
const facts: EventFacts = {
  pod,
  type: 'Warning',
  reason: 'RepresentorClaimed',
  message: 'no',
  count: 2,
  firstWallMs: Date.UTC(2026, 0, 1, 0, 0, 0, 999),
  lastWallMs: Date.UTC(2026, 0, 1, 0, 1, 0, 1),
};

describe('an event on the wire', () => {
  it('is about the pod, in its namespace, from this agent', () => {
    expect(eventObject(facts, reporter)).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName(pod, facts.reason, reporter), namespace: 'shop' },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web-0', uid: 'uid-1' },
      reason: 'RepresentorClaimed',
      message: 'no',
      type: 'Warning',
      count: 2,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:01:00Z',
      source: { component: 'dpu-node-agent', host: 'dpu-7' },
      reportingComponent: 'dpu-node-agent',
      reportingInstance: 'dpu-7',
    });
  });

  it('is counted by a patch, without a count when that is not known', () => {
    const rest = { type: 'Warning', message: 'no', lastTimestamp: '2026-01-01T00:01:00Z' };
    expect(repetition(facts, 9)).toEqual({ ...rest, count: 9 });
    expect(repetition(facts, undefined)).toEqual(rest);
  });

  it('has the same name for the same pod, reason and reporter, and another one for any other', () => {
    const name = eventName(pod, 'A', reporter);
    expect(name).toMatch(/^web-0\.[0-9a-f]{16}$/);
    expect(eventName({ ...pod }, 'A', { ...reporter })).toBe(name);
    const others = [
      eventName({ ...pod, uid: 'uid-2' }, 'A', reporter),
      eventName(pod, 'B', reporter),
      eventName(pod, 'A', { ...reporter, instance: 'dpu-8' }),
    ];
    expect(new Set([name, ...others]).size).toBe(4);
  });

  it('has a name that Kubernetes takes, however long the name of the pod is', () => {
    const podName = fc
      .stringMatching(/^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$/)
      .filter((name) => !/\.[.-]|-\./.test(name));
    fc.assert(
      fc.property(podName, (name) => {
        const made = eventName({ ...pod, name }, 'A', reporter);
        expect(made.length).toBeLessThanOrEqual(253);
        expect(made).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
      }),
    );
  });

  it('has a message of at most 1 KiB, without control characters and without half a character', () => {
    expect(eventMessage('a\u001b[2Jb\n')).toBe('a\\u001b[2Jb\\u000a');
    const codePoint = fc.integer({ min: 0, max: 0x10ffff });
    const characters = fc.array(codePoint, { maxLength: 1_500 }).map((list) => String.fromCodePoint(...list));
    fc.assert(
      fc.property(characters, (text) => {
        const message = eventMessage(text);
        expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1024);
        // eslint-disable-next-line no-control-regex -- control characters are what must not be there
        expect(message).not.toMatch(/[\u0000-\u001f\u007f]/);
      }),
    );
    expect(eventMessage('ü'.repeat(2_000))).toMatch(/^ü+$/);
  });
});
