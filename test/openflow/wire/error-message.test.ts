import { describe, expect, it } from 'vitest';
import { decodeError } from '../../../src/openflow/wire/error-message.js';
import { bytesOf, readerOf } from '../support/hex.js';

describe('decodeError', () => {
  it.each([
    ['0004 0009', 'OFPBMC_BAD_PREREQ'],
    ['0011 000d', 'OFPBFC_MSG_FAILED'],
    ['ffff 0909 4f4e4600', 'OFPBFC_MSG_FAILED'],
    ['ffff 000f 00002320', 'NXBAC_BAD_CONJUNCTION'],
    ['0063 0001', 'type 99 code 1'],
    ['ffff 0001 12345678', 'experimenter 0x12345678 type 1'],
  ])('names %s', (hex, name) => {
    const error = decodeError(readerOf(`${hex} abcd`));
    expect(error.name).toBe(name);
    expect(error.data).toEqual(bytesOf('abcd'));
  });
});
