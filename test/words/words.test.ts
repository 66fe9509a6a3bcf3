import { create, equals, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BridgeMode, BundleSchema, VlanMode } from '../../src/gen/proto/dpu/agent/v1/intent_pb.js';
import { messageToWords } from '../../src/words/message-to-words.js';
import { wordsToMessage, Written } from '../../src/words/words-to-message.js';
import { arbitraryConfig } from '../config/arbitrary-config.js';

const wordsOfBundle = (init: MessageInitShape<typeof BundleSchema>): unknown =>
  messageToWords(BundleSchema, create(BundleSchema, init)).plain;

/** What an absent key means, left out: empty lists and maps, and false where a message cannot tell it from absent. */
function withoutEmpty(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item) => withoutEmpty(item));
  if (typeof value !== 'object' || value === null) return key === 'adopt' && value === false ? undefined : value;
  const isMap = ['options', 'otherConfig', 'externalIds', 'interfaceExternalIds', 'labels'].includes(key);
  const entries = Object.entries(value).map(([k, v]) => [k, isMap ? (v as unknown) : withoutEmpty(v, k)] as const);
  const kept = entries.filter(([, v]) => v !== undefined);
  return isMap && kept.length === 0 ? undefined : Object.fromEntries(kept);
}

const bundleOf = ({ bridges, chains }: Readonly<Record<string, unknown>>): unknown => ({ bridges, chains });

describe('a bundle in the words of the configuration', () => {
  it('says enums as words and leaves out what is not set', () => {
    const port = { name: 'p0', vlan: { tag: 7, mode: VlanMode.NATIVE_TAGGED }, createPeer: false };
    expect(wordsOfBundle({ bridges: [{ name: 'br0', mode: BridgeMode.OWN, ports: [port] }] })).toEqual({
      bridges: [
        {
          name: 'br0',
          mode: 'own',
          ports: [{ name: 'p0', vlan: { tag: 7, mode: 'native-tagged' }, createPeer: false }],
        },
      ],
    });
  });

  it('tells zero from absent where that makes a difference', () => {
    expect(wordsOfBundle({ ports: [{ representor: { pf: 0, vf: 0 } }] })).toEqual({
      ports: [{ representor: { pf: 0, vf: 0 } }],
    });
  });

  it('keeps a key of a map that means something to JavaScript', () => {
    const plain = JSON.parse('{"ports":[{"options":{"__proto__":"x","constructor":"y"}}]}') as unknown;
    const { message } = wordsToMessage(BundleSchema, plain);
    const read = messageToWords(BundleSchema, fromBinary(BundleSchema, toBinary(BundleSchema, message))).plain;
    expect(JSON.stringify(read)).toBe(JSON.stringify(plain));
  });

  it('refuses a number that no word stands for', () => {
    // Field 1 of Bundle: a bridge of 7 bytes with the name br0 and mode 99.
    const message = fromBinary(BundleSchema, Uint8Array.of(10, 7, 10, 3, 0x62, 0x72, 0x30, 16, 99));
    expect(messageToWords(BundleSchema, message)).toEqual({
      plain: { bridges: [{ name: 'br0' }] },
      problems: [
        {
          field: 'bridges[0].mode',
          message: 'number 99 is no value of BridgeMode; allowed: one of own, share, observe',
          remedy: 'The caller knows a newer version of the API than this agent.',
        },
      ],
    });
  });

  it('comes back from a message as it was, for any configuration', () => {
    fc.assert(
      fc.property(arbitraryConfig.map(bundleOf), (plain) => {
        const { message, problems } = wordsToMessage(BundleSchema, plain);
        expect(problems).toEqual([]);
        const overTheWire = fromBinary(BundleSchema, toBinary(BundleSchema, message));
        const { plain: read, problems: refused } = messageToWords(BundleSchema, overTheWire);
        expect(refused).toEqual([]);
        expect(withoutEmpty(read) ?? {}).toEqual(withoutEmpty(plain));
        expect(equals(BundleSchema, wordsToMessage(BundleSchema, read).message, message)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe('what is wrong with a bundle', () => {
  const problemsOf = (plain: unknown): readonly string[] =>
    wordsToMessage(BundleSchema, plain).problems.map(({ field, message, remedy }) =>
      [field, message, remedy].filter((text) => text !== undefined).join(' | '),
    );

  it.each([
    [{ chain: [] }, 'chain | unknown key "chain" | Did you mean "chains"?'],
    [
      { bridges: [{ fail_mode: 'secure' }] },
      'bridges[0].fail_mode | unknown key "fail_mode" | Did you mean "failMode"?',
    ],
    [{ log: {} }, 'log | unknown key "log" | Valid here: bridges, ports, chains, attachments.'],
    [{ bridges: {} }, 'bridges | a map is not allowed here; allowed: a list'],
    [[], '$ | a list of 0 is not allowed here; allowed: a map of keys and values'],
    [{ ports: ['p0'] }, 'ports[0] | "p0" is not allowed here; allowed: a map of keys and values'],
    [
      { ports: [{ mtu: '1500' }] },
      'ports[0].mtu | "1500" is not allowed here; allowed: a whole number from 0 to 4294967295',
    ],
    [{ ports: [{ mtu: 1.5 }] }, 'ports[0].mtu | 1.5 is not allowed here; allowed: a whole number from 0 to 4294967295'],
    [
      { ports: [{ mtu: null }] },
      'ports[0].mtu | an empty value is not allowed here; allowed: a whole number from 0 to 4294967295',
    ],
    [{ ports: [{ name: 5 }] }, 'ports[0].name | 5 is not allowed here; allowed: text | Put it in quotes.'],
    [{ ports: [{ adopt: 'yes' }] }, 'ports[0].adopt | "yes" is not allowed here; allowed: true or false'],
    [
      { ports: [{ options: { 'a b': [] } }] },
      'ports[0].options["a b"] | a list of 0 is not allowed here; allowed: text',
    ],
    [
      { ports: [{ vlan: { mode: 'native_tagged' } }] },
      'ports[0].vlan.mode | "native_tagged" is not allowed here; allowed: one of access, trunk, native-tagged, native-untagged | Did you mean "native-tagged"?',
    ],
  ])('is said with its path: %j', (plain, problem) => {
    expect(problemsOf(plain)).toEqual([problem]);
  });

  it('is safe to print', () => {
    const [problem] = problemsOf({ ports: [{ '\u001b[31m': 1 }] });
    expect(problem).not.toMatch(/[^\x20-\x7e]/);
  });

  it('ends with the hundredth', () => {
    expect(problemsOf({ ports: Array.from({ length: 500 }, () => 1) })).toHaveLength(100);
  });

  it('is nothing where text was written without quotes', () => {
    const plain = { ports: [{ name: 'p0', otherConfig: { a: new Written(7, '007'), b: new Written(true, 'yes') } }] };
    const { message, problems } = wordsToMessage(BundleSchema, plain);
    expect(problems).toEqual([]);
    expect(message.ports[0]?.otherConfig).toEqual({ a: '007', b: 'yes' });
  });

  it('is nothing where a list or map has no value', () => {
    const { message, problems } = wordsToMessage(BundleSchema, {
      bridges: null,
      ports: [{ vlan: null, options: null }],
    });
    expect(problems).toEqual([]);
    expect(message.ports[0]?.vlan).toBeUndefined();
  });
});
