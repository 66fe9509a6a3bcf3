import { describe, expect, it } from 'vitest';
import type { Flow } from '../../src/model/flow.js';
import { doTheSame, flowKey, formatFlow, formatFlowSelector } from '../../src/model/flow-text.js';

const flow: Flow = {
  table: 14,
  priority: 30,
  match: { metadata: 0x101n, reg0: 3, ethDst: { value: '02:00:00:00:00:01' } },
  actions: [{ kind: 'pushVlan' }, { kind: 'setVlan', vid: 100 }, { kind: 'output', port: 3 }],
  cookie: 0x5cdan,
  idleTimeout: 0,
  hardTimeout: 60,
};

describe('a flow as text', () => {
  it('is what ovs-ofctl prints in OpenFlow 1.5 without statistics and names', () => {
    expect(formatFlow(flow)).toBe(
      'cookie=0x5cda, table=14, hard_timeout=60, priority=30,reg0=0x3,metadata=0x101,dl_dst=02:00:00:00:00:01 ' +
        'actions=push_vlan:0x8100,set_field:4196->vlan_vid,output:3',
    );
  });

  it('leaves table 0 out, writes zero as zero, and a flow without actions as a drop', () => {
    const plain = { ...flow, table: 0, hardTimeout: 0, match: { reg1: 0 }, actions: [] };
    expect(formatFlow(plain)).toBe('cookie=0x5cda, priority=30,reg1=0 actions=drop');
  });

  it('has a key that is the same for whatever takes its place', () => {
    const other: Flow = { ...flow, actions: [], cookie: 1n, hardTimeout: 0 };
    expect(flowKey(other)).toBe(flowKey(flow));
    expect(flowKey({ ...flow, priority: 31 })).not.toBe(flowKey(flow));
    expect(formatFlowSelector({ table: 1, priority: 2, match: {} })).toBe('table=1,priority=2');
  });

  it('does the same whatever its cookie, and not with another timeout', () => {
    expect(doTheSame(flow, { ...flow, cookie: 1n })).toBe(true);
    expect(doTheSame(flow, { ...flow, hardTimeout: 61 })).toBe(false);
  });
});
