import { describe, expect, it } from 'vitest';
import { SharedLiveness } from '../../src/agent/shared-liveness.js';

describe('a source of liveness that several loops share', () => {
  const source = {
    asked: [] as (readonly string[])[],
    listeners: new Set<() => void>(),
    snapshot: () => ({ answering: new Set(['br-int']), silent: new Set<string>(), denied: new Set<string>() }),
    watch(bridges: readonly string[]) {
      this.asked.push(bridges);
    },
    onChange(listener: () => void) {
      this.listeners.add(listener);
      return () => this.listeners.delete(listener);
    },
  };

  it('is asked for what any of them cares for, once each', () => {
    const shared = new SharedLiveness(source);
    const [ports, pods] = [shared.share(), shared.share()];
    ports.watch(['br-a', 'br-int']);
    pods.watch(['br-int']);
    ports.watch([]);
    pods.watch([]);
    expect(source.asked).toEqual([['br-a', 'br-int'], ['br-a', 'br-int'], ['br-int'], []]);
  });

  it('tells each of them what it sees, until it does not want to hear it', () => {
    const face = new SharedLiveness(source).share();
    expect([...face.snapshot().answering]).toEqual(['br-int']);
    const off = face.onChange(() => undefined);
    expect(source.listeners.size).toBe(1);
    off();
    expect(source.listeners.size).toBe(0);
  });
});
