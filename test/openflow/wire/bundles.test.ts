import { describe, expect, it } from 'vitest';
import { decodeBundleReply, encodeBundleAdd, encodeBundleControl } from '../../../src/openflow/wire/bundles.js';
import { encodeMessage } from '../../../src/openflow/wire/header.js';
import { hexOf, plain, readerOf } from '../support/hex.js';

describe('the messages of a bundle', () => {
  it('are messages of their own from 1.4 on', () => {
    expect(hexOf((writer) => encodeBundleControl(writer, 6, 1, 7, 'commit'))).toBe(
      plain('06210010 00000001 00000007 0004 0003'),
    );
    const add = hexOf((writer) => encodeBundleAdd(writer, 6, 2, 7, () => encodeMessage(writer, 6, 20, 2)));
    expect(add).toBe(plain('06220018 00000002 00000007 0000 0003 06140008 00000002'));
  });

  it('are an extension of the ONF in 1.3', () => {
    expect(hexOf((writer) => encodeBundleControl(writer, 4, 1, 7, 'open'))).toBe(
      plain('04040018 00000001 4f4e4600 000008fc 00000007 0000 0003'),
    );
    const add = hexOf((writer) => encodeBundleAdd(writer, 4, 2, 7, () => encodeMessage(writer, 4, 20, 2)));
    expect(add).toBe(plain('04040020 00000002 4f4e4600 000008fd 00000007 0000 0003 04140008 00000002'));
  });

  it('are answered with the number of the bundle', () => {
    expect(decodeBundleReply(readerOf('00000007 0005 0003'))).toEqual({ bundle: 7, type: 5 });
  });
});
