import { describe, expect, it } from 'vitest';
import { Listeners } from '../../src/ovsdb/listeners.js';

describe('listeners', () => {
  it('are called in order until they are removed, also when one is added twice', () => {
    const calls: string[] = [];
    const listeners = new Listeners<string>();
    const call = (event: string): number => calls.push(event);
    const remove = listeners.add(call);
    listeners.add(call);
    listeners.tell('a');
    remove();
    remove();
    listeners.tell('b');
    expect(calls).toEqual(['a', 'a', 'b']);
  });

  it('do not harm one another: an error surfaces outside', async () => {
    const calls: string[] = [];
    const listeners = new Listeners<string>();
    const boom = new Error('boom');
    listeners.add(() => {
      throw boom;
    });
    listeners.add((event) => calls.push(event));
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve));
    listeners.tell('a');
    expect(calls).toEqual(['a']);
    expect(await uncaught).toBe(boom);
    for (const other of others) process.on('uncaughtException', other);
  });
});
