import { describe, expect, it } from 'vitest';
import { stepSession } from '../../src/openflow/session.js';
import type { SessionState } from '../../src/openflow/session.js';
import { ByteReader } from '../../src/openflow/wire/byte-reader.js';
import { ByteWriter } from '../../src/openflow/wire/byte-writer.js';
import { encodeHello, negotiate } from '../../src/openflow/wire/session-messages.js';

const features = { datapathId: 1n, buffers: 0, tables: 254, capabilities: 0 };
const greeting: SessionState = { kind: 'greeting' };

describe('stepSession', () => {
  it('greets, settles and is ready', () => {
    const [settling, first] = stepSession(greeting, { kind: 'hello', version: 6, offered: [6] });
    expect(first).toEqual(['setUp']);
    const [informed] = stepSession(settling, { kind: 'features', features });
    expect(stepSession(informed, { kind: 'settled' })).toEqual([{ kind: 'ready', version: 6, features }, ['announce']]);
  });

  it('fails without a version in common', () => {
    expect(() => stepSession(greeting, { kind: 'hello', version: undefined, offered: [6, 5] })).toThrow(
      expect.objectContaining({ code: 'OPENFLOW_VERSION' }),
    );
  });

  it('fails when the barrier is answered before the features', () => {
    expect(() => stepSession({ kind: 'settling', version: 6, features: undefined }, { kind: 'settled' })).toThrow(
      expect.objectContaining({ code: 'PEER_PROTOCOL' }),
    );
  });

  it('is not moved by what comes again', () => {
    const ready: SessionState = { kind: 'ready', version: 6, features };
    expect(stepSession(ready, { kind: 'hello', version: 4, offered: [4] })).toEqual([ready, []]);
    expect(stepSession(ready, { kind: 'settled' })).toEqual([ready, []]);
  });
});

describe('negotiate', () => {
  it('takes the highest version of both bitmaps', () => {
    const writer = new ByteWriter();
    encodeHello(writer, 1, [4, 5]);
    expect(negotiate([6, 5, 4], 5, new ByteReader(writer.take(), 8))).toBe(5);
  });

  it('takes every version up to that of the header when there is no bitmap', () => {
    expect(negotiate([6, 5, 4], 5, new ByteReader(new Uint8Array(0)))).toBe(5);
    expect(negotiate([6, 5, 4], 1, new ByteReader(new Uint8Array(0)))).toBeUndefined();
  });
});
