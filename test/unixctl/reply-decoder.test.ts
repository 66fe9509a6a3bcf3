import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplyDecoder } from '../../src/unixctl/reply-decoder.js';

interface Reply {
  readonly id: number;
  readonly text: string;
  readonly error: string | undefined;
}

/** Decodes a stream that comes in pieces of these sizes. */
function decode(stream: Buffer, sizeOf: () => number): readonly Reply[] {
  const replies: Reply[] = [];
  let pieces: Buffer[] = [];
  const decoder = new ReplyDecoder({
    bytes: (buffer, start, end) => pieces.push(Buffer.from(buffer.subarray(start, end))),
    newline: () => pieces.push(Buffer.from('\n')),
    end: (id, error) => {
      replies.push({ id, text: Buffer.concat(pieces).toString('utf8'), error });
      pieces = [];
    },
  });
  for (let at = 0; at < stream.length;) {
    const size = sizeOf();
    decoder.push(stream.subarray(at, at + size));
    at += size;
  }
  return replies;
}

const whole = (text: string): readonly Reply[] => decode(Buffer.from(text), () => text.length * 4 + 1);

/** The members of an answer, in any order, with the spaces that JSON allows. */
const reply = fc
  .tuple(
    fc.nat(1_000_000),
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.boolean(),
    fc.constantFrom('', ' ', '\n\t '),
    fc.nat(5),
    fc.jsonValue(),
  )
  .map(([id, text, isError, space, turn, extra]) => {
    const result: [string, unknown][] = isError
      ? [['error', text]]
      : [
          ['result', text],
          ['error', null],
        ];
    const members: [string, unknown][] = [['id', id], ...result, ['extra', extra]];
    const turned = [...members.slice(turn % members.length), ...members.slice(0, turn % members.length)];
    const json = turned.map(([key, value]) => `${space}"${key}"${space}:${space}${JSON.stringify(value)}${space}`);
    return {
      wire: `{${json.join(',')}}${space}`,
      expected: { id, text: isError ? '' : text, error: isError ? text : undefined },
    };
  });

describe('the decoder of answers', () => {
  it('reads the same however the stream is cut and the members are ordered', () => {
    fc.assert(
      fc.property(
        fc.array(reply, { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (list, sizes) => {
          const stream = Buffer.from(list.map(({ wire }) => wire).join(''));
          const expected = list.map((entry) => entry.expected);
          let turn = 0;
          expect(decode(stream, () => sizes[turn++ % sizes.length]!)).toEqual(expected);
          expect(decode(stream, () => 1)).toEqual(expected);
          expect(decode(stream, () => stream.length + 1)).toEqual(expected);
        },
      ),
    );
  });

  it('unescapes as JSON.parse does', () => {
    const texts = ['a\\"b\\\\c\\/d\\b\\f\\n\\r\\t', '\\u00e9\\ud83d\\ude00x', '\\u000a|\\u000A', 'é😀', ''];
    for (const text of texts) {
      expect(whole(`{"id":1,"result":"${text}"}`)[0]?.text).toBe(JSON.parse(`"${text}"`));
    }
  });

  it('makes a replacement character of half a surrogate pair', () => {
    expect(whole('{"id":1,"result":"\\ud83dx\\ude00\\ud83d"}')[0]?.text).toBe('\ufffdx\ufffd\ufffd');
    expect(whole('{"id":1,"result":"\\ud83d\\n"}')[0]?.text).toBe('\ufffd\n');
  });

  it('keeps the beginning of an endless refusal only', () => {
    expect(whole(`{"id":1,"error":"${'x'.repeat(100_000)}"}`)[0]?.error).toBe('x'.repeat(4096));
  });

  it.each([
    'hello',
    '[]',
    '{,}',
    '{}',
    '{"id":1}',
    '{"result":"x"}',
    '{"id":"1","result":"x"}',
    '{"id":1.5,"result":"x"}',
    '{"id":1,"result":{}}',
    '{"id":1,"result":["x"]}',
    '{"id":1,"result":null}',
    '{"id":1,"error":7}',
    '{"id":1,"result":"x",}',
    '{"id":1 "result":"x"}',
    '{"id":nul,"result":"x"}',
    '{"id":1,"result":"\\x"}',
    '{"id":1,"result":"\\u12g4"}',
    `{"${'n'.repeat(100)}":1}`,
    `{"id":${'1'.repeat(100)}}`,
    '}',
  ])('refuses %s', (text) => {
    expect(() => whole(text)).toThrow('no answer of unixctl');
  });

  it('never throws anything but a protocol error, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('{', '}', '"', '\\', ':', ',', 'id', 'result', 'error', '1', 'u00', '[', ' ', 'n')),
        (parts) => {
          try {
            whole(parts.join(''));
          } catch (error) {
            expect(error).toMatchObject({ code: 'PEER_PROTOCOL' });
          }
        },
      ),
    );
  });
});
