import { describe, expect, it } from 'vitest';
import type { FlowCommand } from '../../../src/openflow/flow.js';
import { parseFlow } from '../../../src/openflow/text/parse-flow.js';
import { ByteWriter } from '../../../src/openflow/wire/byte-writer.js';
import { encodeFlowMod } from '../../../src/openflow/wire/flow-mod.js';
import { flowVectors, nameOf } from '../support/vectors.js';

const commands: Readonly<Record<string, FlowCommand>> = {
  'add-flow': 'add',
  'mod-flows': 'modify',
  '--strict mod-flows': 'modify_strict',
  'del-flows': 'delete',
  '--strict del-flows': 'delete_strict',
};

describe('parseFlow', () => {
  it.each(flowVectors.map((vector) => [nameOf(vector), vector] as const))(
    'leads to the bytes that ovs-ofctl sends: %s',
    (_name, vector) => {
      const writer = new ByteWriter();
      encodeFlowMod(writer, vector.version, 0, parseFlow(vector.flow, commands[vector.command]));
      expect(Buffer.from(writer.take()).toString('hex')).toBe(vector.hex);
    },
  );
});
