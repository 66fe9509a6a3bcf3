import { describe, expect, it } from 'vitest';
import { isNetdevName } from '../../src/host/netdev-name.js';

describe('isNetdevName', () => {
  it.each(['p0', 'c1pf0vf3', 'en3f0pf0sf4', 'eth0.100', 'a', 'ovn-k8s-mp0', '123456789012345', 'eth0@x'])(
    'accepts %s',
    (name) => expect(isNetdevName(name)).toBe(true),
  );

  it.each([
    ['nothing', ''],
    ['sixteen characters', '1234567890123456'],
    ['a path', '../p0'],
    ['the directory itself', '.'],
    ['its parent', '..'],
    ['an alias of IPv4', 'eth0:1'],
    ['an option', '-p0'],
    ['a space', 'p 0'],
    ['a line break', 'p0\n'],
    ['an escape', 'p\u001b[0m'],
    ['a letter beyond ASCII', 'pö'],
    ['a zero byte', 'p0\0'],
  ])('refuses %s', (_what, name) => expect(isNetdevName(name)).toBe(false));
});
