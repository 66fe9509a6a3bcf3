import { describe, expect, it } from 'vitest';
import { Turnstile } from '../../../src/sandbox/lab/turnstile.js';

describe('a turnstile', () => {
  it('lets so many in at once, in their order, and goes on after failures', async () => {
    const turnstile = new Turnstile(2);
    const seen: string[] = [];
    let inside = 0;
    const job = (n: number) => async (): Promise<number> => {
      inside += 1;
      seen.push(`${n} with ${inside}`);
      await Promise.resolve();
      inside -= 1;
      if (n === 1) throw new Error('one');
      return n;
    };
    const results = await Promise.allSettled([0, 1, 2, 3].map((n) => turnstile.run(job(n))));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(seen.map((text) => text[0])).toEqual(['0', '1', '2', '3']);
    expect(seen.every((text) => /with [12]$/.test(text))).toBe(true);
    expect(await turnstile.run(job(4))).toBe(4);
  });
});
