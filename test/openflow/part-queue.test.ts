import { describe, expect, it } from 'vitest';
import type { Clock, Timer } from '../../src/lib/clock.js';
import { PartQueue } from '../../src/openflow/part-queue.js';

/** A clock whose timers fire when the test says so. */
class HandClock implements Clock {
  #callbacks = new Set<() => void>();
  nowMs(): number {
    return 0;
  }
  wallMs(): number {
    return 0;
  }
  after(_delayMs: number, callback: () => void): Timer {
    this.#callbacks.add(callback);
    return { cancel: () => this.#callbacks.delete(callback) };
  }
  get pending(): number {
    return this.#callbacks.size;
  }
  fire(): void {
    const due = [...this.#callbacks];
    this.#callbacks.clear();
    for (const callback of due) callback();
  }
}

interface Stage {
  readonly queue: PartQueue;
  readonly clock: HandClock;
  readonly log: string[];
}

function stage(): Stage {
  const clock = new HandClock();
  const log: string[] = [];
  const queue = new PartQueue({
    clock,
    idleMsMax: 1000,
    pause: () => log.push('pause'),
    resume: () => log.push('resume'),
    onEnd: () => log.push('end'),
  });
  return { queue, clock, log };
}

const part = (index: number): Uint8Array => Uint8Array.of(index);

describe('PartQueue', () => {
  it('delivers the parts in their order and ends', async () => {
    const { queue, clock, log } = stage();
    for (let index = 0; index < 3; index += 1) queue.push(part(index));
    queue.complete();
    const seen: number[] = [];
    for await (const bytes of queue.read()) seen.push(bytes[0]!);
    expect(seen).toEqual([0, 1, 2]);
    expect(log).toEqual(['end']);
    expect(clock.pending).toBe(0);
  });

  it('makes the switch wait while the reader is behind, and lets it go on', async () => {
    const { queue, log } = stage();
    for (let index = 0; index < 9; index += 1) queue.push(part(index));
    expect(log).toEqual(['pause']);
    const reader = queue.read();
    for (let count = 0; count < 9; count += 1) await reader.next();
    expect(log).toEqual(['pause', 'resume']);
    await reader.return();
  });

  it('gives up a reader that stands still, and lets the connection be read again', async () => {
    const { queue, clock, log } = stage();
    for (let index = 0; index < 8; index += 1) queue.push(part(index));
    clock.fire();
    expect(log).toEqual(['pause', 'resume', 'end']);
    await expect(queue.read().next()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('fails when the next part does not come in time', async () => {
    const { queue, clock } = stage();
    const waiting = queue.read().next();
    clock.fire();
    await expect(waiting).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('wants nothing more when the reader leaves early', async () => {
    const { queue, clock, log } = stage();
    queue.push(part(1));
    const reader = queue.read();
    await reader.next();
    await reader.return();
    queue.push(part(2));
    expect(log).toEqual(['end']);
    expect(clock.pending).toBe(0);
  });
});
