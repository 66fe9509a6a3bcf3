import { describe, expect, it } from 'vitest';
import { nodeCapabilities, type CapabilityInputs } from '../../src/agent/capabilities.js';

const able: CapabilityInputs = {
  repair: 'on',
  attachMode: 'attach',
  hasHostCluster: true,
  isDatabaseReadable: true,
  vswitchd: 'alive',
};

const lacking = (fields: Partial<CapabilityInputs>): readonly string[] =>
  nodeCapabilities({ ...able, ...fields })
    .filter(({ isAvailable }) => !isAvailable)
    .map(({ name }) => name);

describe('what the agent can do', () => {
  it('is everything where nothing stands against it', () => {
    expect(nodeCapabilities(able).map(({ name }) => name)).toEqual([
      'chains',
      'attach',
      'intents',
      'topology',
      'offload',
      'stats',
      'trace',
    ]);
    expect(lacking({})).toEqual([]);
  });

  it.each([
    [{ repair: 'observe' } as const, ['chains', 'attach', 'intents']],
    [{ attachMode: 'off' } as const, ['attach']],
    [{ attachMode: 'observe' } as const, ['attach']],
    [{ hasHostCluster: false }, ['attach']],
    [{ isDatabaseReadable: false }, ['topology', 'offload', 'stats']],
    [{ vswitchd: 'silent' } as const, ['trace']],
    [{ vswitchd: undefined }, ['trace']],
  ])('is less with %o', (fields, names) => {
    expect(lacking(fields)).toEqual(names);
  });

  it('comes with a sentence exactly where it cannot be done', () => {
    for (const fields of [{}, { repair: 'observe' } as const, { attachMode: 'off' } as const]) {
      for (const { isAvailable, message } of nodeCapabilities({ ...able, ...fields })) {
        expect(message === undefined).toBe(isAvailable);
        if (message !== undefined) expect(message).toMatch(/\.$/);
      }
    }
  });
});
