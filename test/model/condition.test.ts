import { describe, expect, it } from 'vitest';
import { formatObject, objectKey } from '../../src/model/condition.js';

describe('an object', () => {
  it('is shown with its kind, and a port with its bridge', () => {
    expect(formatObject({ kind: 'bridge', name: 'br-int' })).toBe('bridge br-int');
    expect(formatObject({ kind: 'port', name: 'p0', bridge: 'br-int' })).toBe('port p0 on br-int');
  });

  it('is shown by its kind alone where it has no name', () => {
    expect(formatObject({ kind: 'vswitchd', name: '' })).toBe('vswitchd');
    expect(formatObject({ kind: 'setting', name: 'hw-offload' })).toBe('setting hw-offload');
  });

  it('cannot forge a line by its name', () => {
    expect(formatObject({ kind: 'port', name: 'p0\nready', bridge: 'br\u001b[2J' })).toBe(
      'port p0\\u000aready on br\\u001b[2J',
    );
  });

  it('has the same key on whatever bridge it is, and another than a namesake of another kind', () => {
    expect(objectKey({ kind: 'port', name: 'x', bridge: 'a' })).toBe(
      objectKey({ kind: 'port', name: 'x', bridge: 'b' }),
    );
    expect(objectKey({ kind: 'port', name: 'x' })).not.toBe(objectKey({ kind: 'bridge', name: 'x' }));
  });
});
