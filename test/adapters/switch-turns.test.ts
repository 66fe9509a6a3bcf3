import { describe, expect, it } from 'vitest';
import { SwitchTurns } from '../../src/adapters/switch-turns.js';

const never = new AbortController().signal;

/** Work that ends when the test says so. */
function held(): { readonly work: () => Promise<string>; readonly end: (word: string) => void } {
  let end: (word: string) => void = () => undefined;
  const promise = new Promise<string>((resolve) => (end = resolve));
  return { work: () => promise, end };
}

describe('turns', () => {
  it('are taken one after the other, also after a failure', async () => {
    const turns = new SwitchTurns();
    const seen: string[] = [];
    const first = held();
    const step = (name: string) => () => Promise.resolve(void seen.push(name));
    const one = turns.run(never, async () => seen.push(await first.work()));
    const two = turns.run(never, () => step('two')().then(() => Promise.reject(new Error('no'))));
    const three = turns.run(never, step('three'));
    first.end('one');
    await expect(two).rejects.toThrow('no');
    await Promise.all([one, three]);
    expect(seen).toEqual(['one', 'two', 'three']);
  });

  it('are left at once by whoever gives up while waiting, and never run then', async () => {
    const turns = new SwitchTurns();
    const first = held();
    const one = turns.run(never, first.work);
    const abort = new AbortController();
    let hasRun = false;
    const two = turns.run(abort.signal, () => Promise.resolve((hasRun = true)));
    abort.abort();
    await expect(two).rejects.toMatchObject({ code: 'ABORTED' });
    first.end('one');
    expect(await one).toBe('one');
    expect(await turns.run(never, () => Promise.resolve(hasRun))).toBe(false);
  });

  it('are left to the work itself once they have begun', async () => {
    const turns = new SwitchTurns();
    const abort = new AbortController();
    const work = held();
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const turn = turns.run(abort.signal, () => {
      begin();
      return work.work();
    });
    await begun;
    abort.abort();
    work.end('in its own way');
    expect(await turn).toBe('in its own way');
  });

  it('are refused when too many wait', async () => {
    const turns = new SwitchTurns();
    const first = held();
    const one = turns.run(never, first.work);
    await Promise.resolve();
    const waiting = Array.from({ length: 16 }, (_, index) =>
      turns.run(new AbortController().signal, () => Promise.resolve(index)),
    );
    await expect(turns.run(never, () => Promise.resolve(0))).rejects.toMatchObject({ code: 'UNIXCTL_BUSY' });
    first.end('one');
    await one;
    expect(await Promise.all(waiting)).toHaveLength(16);
  });
});
