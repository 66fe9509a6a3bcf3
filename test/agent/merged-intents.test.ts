import { describe, expect, it } from 'vitest';
import { MergedIntents } from '../../src/agent/merged-intents.js';
import type { Intents, PortIntent } from '../../src/model/intent.js';
import { bridgeIntent, portIntent } from '../fakes/plan-rows.js';

class Source {
  current: Intents = { bridges: [bridgeIntent('br-sfc')], ports: [portIntent('p0', 'br-sfc')] };
  readonly listeners = new Set<() => void>();

  intents(): Intents {
    return this.current;
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

const patch = (name: string, bridge = 'br-sfc', mtu?: number): PortIntent => ({ ...portIntent(name, bridge), mtu });
const namesOf = ({ ports }: Intents): readonly (string | undefined)[] => ports.map(({ name }) => name);

describe('the intents of all sources', () => {
  it("are the configuration's and the patch ports of chains", () => {
    const merged = new MergedIntents(new Source());
    expect(namesOf(merged.intents())).toEqual(['p0']);
    merged.setPatches([patch('p_x'), patch('p_y', 'br-hbn')]);
    expect(namesOf(merged.intents())).toEqual(['p0', 'p_x', 'p_y']);
    expect(merged.intents().bridges.map(({ name }) => name)).toEqual(['br-sfc']);
    merged.setPatches([]);
    expect(namesOf(merged.intents())).toEqual(['p0']);
  });

  it('tell of a change when one of them has changed, and only then', () => {
    const source = new Source();
    const merged = new MergedIntents(source);
    let told = 0;
    const off = merged.onChange(() => (told += 1));
    merged.setPatches([]);
    expect(told).toBe(0);
    merged.setPatches([patch('p_x')]);
    merged.setPatches([patch('p_x')]);
    expect(told).toBe(1);
    merged.setPatches([patch('p_x', 'br-hbn')]);
    merged.setPatches([patch('p_x', 'br-hbn', 9000)]);
    expect(told).toBe(3);
    const peer = { kind: 'patch', peer: 'p_other', peerBridge: 'br-sfc' } as const;
    merged.setPatches([{ ...patch('p_x', 'br-hbn', 9000), attachment: peer }]);
    expect(told).toBe(4);
    for (const listener of source.listeners) listener();
    expect(told).toBe(5);
    off();
    merged.setPatches([]);
    expect(told).toBe(5);
    expect(source.listeners.size).toBe(0);
  });
});
