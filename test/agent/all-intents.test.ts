import { describe, expect, it } from 'vitest';
import { chainIntentsOf, intentsOf } from '../../src/adapters/config-intents.js';
import { AllIntents } from '../../src/agent/all-intents.js';
import type { CompiledIntents } from '../../src/agent/intent-ports.js';
import { loadConfig } from '../../src/config/load.js';

function compiled(text: string, ownerText?: string): CompiledIntents {
  const of = (source: string): CompiledIntents['configuration'] => {
    const { config } = loadConfig({ text: source });
    return { intents: intentsOf(config), chains: chainIntentsOf(config) };
  };
  const owners = ownerText === undefined ? [] : [['fleet', { ...of(ownerText), contradictions: [] }] as const];
  return { configuration: of(text), owners: new Map(owners) };
}

const chain = (name: string): string =>
  `{bridges: [{name: br-sfc}], chains: [{name: ${name}, switches: [{ports: [{kind: uplink, uplink: 0}, {kind: uplink, uplink: 1}]}]}]}`;

describe('what is wanted by all', () => {
  it('exchanges bridges and chains together, counts that, and says so', () => {
    const all = new AllIntents(compiled(chain('before')));
    expect(all.chains().map(({ name }) => name)).toEqual(['before']);
    const seen: unknown[] = [];
    const stop = all.onChange(() =>
      seen.push([all.chains()[0]?.name, all.intents().bridges.length, all.intents().revision]),
    );
    all.replace(compiled(chain('after'), 'bridges: [{name: br-x}]'));
    expect(seen).toEqual([['after', 2, 2]]);
    expect(all.intents()).toBe(all.intents());
    stop();
    all.replace(compiled(''));
    expect(seen).toHaveLength(1);
    expect(all.chains()).toEqual([]);
    expect(all.intents().bridges).toEqual([]);
    expect(all.revision).toBe(3);
  });

  it('says which chains have no controller only when that differs', () => {
    const all = new AllIntents(compiled(chain('a')));
    let count = 0;
    all.onChange(() => (count += 1));
    all.setUnattended(new Set());
    all.setUnattended(new Set(['a']));
    all.setUnattended(new Set(['a']));
    expect(count).toBe(1);
    expect([...all.unattended()]).toEqual(['a']);
    expect(all.revision).toBe(1);
  });
});
