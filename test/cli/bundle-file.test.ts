import { describe, expect, it } from 'vitest';
import { parseBundle } from '../../src/cli/bundle-file.js';
import { PortKind, VlanMode } from '../../src/gen/proto/dpu/agent/v1/intent_pb.js';

const problemOf = (text: string): { readonly message: string } => {
  try {
    parseBundle(text, 'x.yaml');
  } catch (error) {
    return error as Error;
  }
  throw new Error('it was taken');
};

describe('a file with a bundle', () => {
  it('is read in the words of the configuration', () => {
    const bundle = parseBundle(
      'ports:\n- {bridge: br0, name: p0, kind: internal, vlan: {tag: 7, mode: native-tagged}, externalIds: {a: 007, b: yes, c: true}}',
      'x.yaml',
    );
    expect(bundle.ports).toMatchObject([
      {
        bridge: 'br0',
        name: 'p0',
        kind: PortKind.INTERNAL,
        vlan: { tag: 7, mode: VlanMode.NATIVE_TAGGED },
        externalIds: { a: '007', b: 'yes', c: 'true' },
      },
    ]);
  });

  it('may be empty, JSON, and use aliases', () => {
    expect(parseBundle('', 'x').bridges).toEqual([]);
    expect(parseBundle('{"bridges":[{"name":"br0"}]}', 'x').bridges).toMatchObject([{ name: 'br0' }]);
    const { ports } = parseBundle('ports:\n- &p {name: a, kind: dpdk, vlan: &v {tag: 1}}\n- {name: b, vlan: *v}', 'x');
    expect(ports.map(({ vlan }) => vlan?.tag)).toEqual([1, 1]);
  });

  it.each([
    ['bridges: [', 'x.yaml is no valid bundle'],
    ['a: 1\na: 2', 'x.yaml is no valid bundle'],
    ['- 1', '$: a list of 1 is not allowed here'],
    ['? [a]\n: 1', 'a key is no plain word'],
    ['bridges: *nothing', 'no anchor &nothing before its alias'],
    ['['.repeat(100_000), 'x.yaml is no valid bundle'],
    ['{a: '.repeat(60) + '1' + '}'.repeat(60), 'nested too deeply'],
    [
      [
        'a: &a [1]',
        ...'bcdefghij'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefghij'[i] ?? ''},`.repeat(20)}]`),
      ].join('\n'),
      'nested too deeply, or its aliases stand for too much',
    ],
  ])('is refused in a sentence', (text, message) => {
    expect(problemOf(text).message).toContain(message);
  });
});
