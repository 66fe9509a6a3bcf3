import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ifaceId, parseNadKey } from '../../src/attach/nad-key.js';
import { anyNadKey } from './hostile-texts.js';

const long = (length: number): string => 'a'.repeat(length);

describe('parseNadKey', () => {
  it.each([
    ['default', { kind: 'default' }],
    ['default/default', { kind: 'nad', namespace: 'default', name: 'default', index: undefined }],
    ['ns-a/blue', { kind: 'nad', namespace: 'ns-a', name: 'blue', index: undefined }],
    ['ns-a/blue/1', { kind: 'nad', namespace: 'ns-a', name: 'blue', index: 1 }],
    ['0/0.a-b.c/17', { kind: 'nad', namespace: '0', name: '0.a-b.c', index: 17 }],
    [`${long(63)}/${long(253)}/999999999`, { kind: 'nad', namespace: long(63), name: long(253), index: 999_999_999 }],
  ])('reads %s', (text, expected) => expect(parseNadKey(text)).toEqual({ ...expected, text }));

  it.each([
    '',
    'Default',
    'default/',
    '/default',
    'default ',
    ' default',
    'default\n',
    'ns',
    'pfId',
    'Status',
    '__proto__',
    'constructor',
    'ns/',
    'ns//1',
    'ns/a/',
    'ns/a/0',
    'ns/a/01',
    'ns/a/-1',
    'ns/a/1.5',
    'ns/a/1e3',
    'ns/a/1/2',
    'ns/a/1000000000',
    'ns/a b',
    'NS/a',
    'ns/A',
    'ns.x/a',
    'ns/-a',
    'ns/a-',
    'ns/.a',
    'ns/a.',
    'ns/a..b',
    'ns/a.-b',
    '-ns/a',
    'ns_/a',
    'ns/a\u0000',
    'ns/a\u202e',
    '../../etc',
    `${long(64)}/a`,
    `ns/${long(254)}`,
    `ns/${long(1_000_000)}`,
    '/'.repeat(100_000),
  ])('refuses %.40j', (text) => expect(parseNadKey(text)).toBeUndefined());

  it('gives back the parts of which a key is made', () => {
    fc.assert(
      fc.property(anyNadKey, (text) => {
        const key = parseNadKey(text);
        const { namespace, name, index } = key?.kind === 'nad' ? key : { namespace: 'default' };
        expect([namespace, name, index].filter((part) => part !== undefined).join('/')).toBe(text);
      }),
    );
  });

  it('takes any text, and keeps the one that it takes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z./-]{0,20}(\/[0-9]{0,3})?$/)),
        (text) => {
          expect(parseNadKey(text)?.text ?? text).toBe(text);
        },
      ),
    );
  });
});

describe('ifaceId', () => {
  it.each([
    ['default', 'ns-a', 'web-0', 'ns-a_web-0'],
    ['ns-a/blue/1', 'ns-a', 'web-0', 'ns.a.blue.1_ns-a_web-0'],
    ['ns-a/blue-green.x', 'my-ns', 'a.b-c', 'ns.a.blue.green.x_my-ns_a.b-c'],
    ['default/default', 'default', 'default', 'default.default_default_default'],
  ])('names %s of %s/%s as OVN does', (key, namespace, pod, expected) => {
    expect(ifaceId(key, namespace, pod)).toBe(expected);
  });

  it('is the same for two definitions that OVN confuses too', () => {
    expect(ifaceId('a/b-c', 'a', 'p')).toBe(ifaceId('a/b.c', 'a', 'p'));
    expect(ifaceId('a/b-c', 'a', 'p')).toBe(ifaceId('a-b/c', 'a', 'p'));
  });

  it('rewrites the part of the key and nothing else', () => {
    const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,6}[a-z0-9])?$/);
    fc.assert(
      fc.property(anyNadKey, name, name, (key, namespace, pod) => {
        const suffix = `${namespace}_${pod}`;
        const prefix = key === 'default' ? '' : `${key.split('-').join('.').split('/').join('.')}_`;
        expect(ifaceId(key, namespace, pod)).toBe(prefix + suffix);
      }),
    );
  });
});
