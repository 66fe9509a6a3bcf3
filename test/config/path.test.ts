import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPath, parsePath } from '../../src/config/path.js';

describe('path', () => {
  it('is written as people write it', () => {
    expect(formatPath([])).toBe('$');
    expect(formatPath(['bridges', 0, 'ports', 12, 'vlan', 'tag'])).toBe('bridges[0].ports[12].vlan.tag');
    expect(formatPath(['options', 'dpdk-devargs'])).toBe('options.dpdk-devargs');
    expect(formatPath(['externalIds', 'a.b"c'])).toBe('externalIds["a.b\\"c"]');
  });

  it('selects an item of a list by name', () => {
    expect(parsePath('bridges[br-int].ports[p0].mtu')).toEqual(['bridges', 'br-int', 'ports', 'p0', 'mtu']);
  });

  it.each(['', '.', 'a..b', 'a[', 'a[]', 'a]', 'a["b]', 'a["\\x"]', '[a]b.', 'a.'])('refuses %j', (text) => {
    expect(parsePath(text)).toBeUndefined();
  });

  it('reads back whatever was written', () => {
    const step = fc.oneof(fc.string(), fc.nat(), fc.constantFrom('__proto__', ']', '"', '\\', '='));
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), (path) => {
        expect(parsePath(formatPath(path))).toEqual(path);
      }),
    );
  });
});
