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

  it.each([null, 3, 'x', [], { bridges: 'x' }, { bridges: [null, 7, { ports: {} }] }])('takes %j', (plain) => {
    expect(draftOf(plain).bridges.flatMap(({ ports }) => ports)).toEqual([]);
  });
});
