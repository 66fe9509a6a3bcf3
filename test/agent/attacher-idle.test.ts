import { describe, expect, it } from 'vitest';
import { podOf } from '../fakes/attach-inputs.js';
import { AttachLoopWorld } from '../fakes/attach-loop-world.js';

describe('what the loop shows of the pods', () => {
  it('stays the same to the letter while nothing changes, however often it looks', async () => {
    const world = await new AttachLoopWorld().put(podOf('a', { details: { default: '0/1' } })).start();
    const shown = (): string => JSON.stringify(world.outcomes.at(-1)?.podFacts());
    const before = shown();
    const lookCount = world.outcomes.length;
    await world.pass(300_000);
    expect(world.outcomes.length).toBeGreaterThan(lookCount);
    expect(before).toContain('"reason":"Ready"');
    expect(shown()).toBe(before);
  });
});
