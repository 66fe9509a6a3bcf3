import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../src/openflow/wire/byte-writer.js';
import { encodeFlowMod } from '../../../src/openflow/wire/flow-mod.js';
import { flowModOf, flowVectors, nameOf } from '../support/vectors.js';

describe('encodeFlowMod', () => {
  it.each(flowVectors.map((vector) => [nameOf(vector), vector] as const))(
    'writes back what it decoded, byte for byte: %s',
    (_name, vector) => {
      const writer = new ByteWriter();
      encodeFlowMod(writer, vector.version, 0, flowModOf(vector));
      expect(Buffer.from(writer.take()).toString('hex')).toBe(vector.hex);
    },
  );
});
