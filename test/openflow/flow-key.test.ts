import { describe, expect, it } from 'vitest';
import { flowContentKey, flowKey } from '../../src/openflow/flow-key.js';
import { parseFlow } from '../../src/openflow/text/parse-flow.js';
import { decodeMessage } from '../../src/openflow/wire/message.js';
import { flowVectors } from './support/vectors.js';

describe('flowKey and flowContentKey', () => {
  it('are the same for the same flow in every version of the protocol', () => {
    const keys = new Map<string, Set<string>>();
    for (const { flow, hex, command } of flowVectors) {
      // Below 1.5 a load is an action of its own; as text of 1.5 it is a masked set_field.
      if (command !== 'add-flow' || /load|set_field:[^,]*\/|mod_|set_tunnel/.test(flow)) continue;
      const { body } = decodeMessage(Buffer.from(hex, 'hex'));
      if (body.kind !== 'flowMod') continue;
      const found = keys.get(flow) ?? new Set();
      keys.set(flow, found.add(`${flowKey(body.mod)} ${flowContentKey(body.mod)}`));
    }
    expect([...keys].filter(([, found]) => found.size !== 1).map(([flow]) => flow)).toEqual([]);
    expect(keys.size).toBeGreaterThan(80);
  });

  it('tell flows apart by what identifies them and by what they do', () => {
    const base = parseFlow('table=1,priority=5,in_port=1,cookie=1,actions=output:2');
    const others = {
      table: parseFlow('table=2,priority=5,in_port=1,cookie=1,actions=output:2'),
      priority: parseFlow('table=1,priority=6,in_port=1,cookie=1,actions=output:2'),
      match: parseFlow('table=1,priority=5,in_port=2,cookie=1,actions=output:2'),
    };
    for (const other of Object.values(others)) {
      expect(flowKey(other)).not.toBe(flowKey(base));
      expect(flowContentKey(other)).toBe(flowContentKey(base));
    }
    const changed = parseFlow('table=1,priority=5,in_port=1,cookie=2,actions=output:2');
    expect(flowKey(changed)).toBe(flowKey(base));
    expect(flowContentKey(changed)).not.toBe(flowContentKey(base));
  });

  it('do not look at flags that concern the change alone', () => {
    const plain = parseFlow('actions=drop');
    expect(flowContentKey(parseFlow('check_overlap,reset_counts,actions=drop'))).toBe(flowContentKey(plain));
    expect(flowContentKey(parseFlow('send_flow_rem,actions=drop'))).not.toBe(flowContentKey(plain));
  });
});
