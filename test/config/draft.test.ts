import { describe, expect, it } from 'vitest';
import { draftOf } from '../../src/config/draft.js';

describe('draftOf', () => {
  it('keeps what is valid, fills in defaults, and leaves out what is wrong', () => {
    const draft = draftOf({
      log: { level: 'x' },
      bridges: [{ name: 'a', mtu: 1, ports: [{ kind: 'patch', ofport: 0 }] }],
    });
    expect(draft.value.log).toBeUndefined();
    expect(draft.value.agent?.repair).toBe('on');
    const [bridge] = draft.bridges;
    expect(bridge?.value).toMatchObject({ name: 'a', mode: 'own' });
    expect(bridge?.value).not.toHaveProperty('mtu');
    expect(bridge?.ports[0]?.path).toEqual(['bridges', 0, 'ports', 0]);
    expect(bridge?.ports[0]?.value.kind).toBe('patch');
    expect([...(bridge?.ports[0]?.given ?? [])]).toEqual(['kind', 'ofport']);
  });

  it('does the same for chains, down to their ports', () => {
    const ports = [{ kind: 'labels', uplink: -1, labels: { a: 'b' } }];
    const [chain] = draftOf({ chains: [{ name: 'c', mtu: 1, switches: [{ name: '/', ports }] }] }).chains;
    expect(chain?.value).toMatchObject({ name: 'c', bridge: 'br-sfc' });
    expect(chain?.value).not.toHaveProperty('mtu');
    expect(chain?.given.has('bridge')).toBe(false);
    expect(chain?.switches[0]?.value).toEqual({});
    expect(chain?.switches[0]?.ports[0]).toEqual({
      path: ['chains', 0, 'switches', 0, 'ports', 0],
      given: new Set(['kind', 'uplink', 'labels']),
      value: { kind: 'labels', labels: { a: 'b' }, pinnedMacs: [] },
    });
  });

  it.each([
    null,
    3,
    'x',
    [],
    { bridges: 'x' },
    { bridges: [null, 7, { ports: {} }] },
    { chains: [null, 7, { switches: {} }, { switches: [null, { ports: 3 }] }] },
  ])('takes %j', (plain) => {
    expect(draftOf(plain).bridges.flatMap(({ ports }) => ports)).toEqual([]);
    expect(draftOf(plain).chains.flatMap(({ switches }) => switches.flatMap(({ ports }) => ports))).toEqual([]);
  });
});
