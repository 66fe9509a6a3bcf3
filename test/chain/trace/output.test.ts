import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTrace } from '../../../src/chain/trace/output.js';
import * as recorded from './recorded-traces.js';

const shape = (text: string) =>
  parseTrace(text).visits.map(({ bridge, from, steps }) => ({
    bridge,
    from,
    steps: steps.map(({ table, actions }) => [table, ...actions.map((action) => action.text)]),
  }));

describe('the reader of ofproto/trace', () => {
  it('sees the bridges in order, with the action that led from one to the next', () => {
    expect(shape(recorded.missBeyondPatch)).toEqual([
      { bridge: 'br-sfc', from: undefined, steps: [[0, 'output:5']] },
      { bridge: 'br-hbn', from: { visit: 0, action: 'output:5' }, steps: [[0, 'drop']] },
    ]);
    expect(parseTrace(recorded.missBeyondPatch).datapath).toEqual(['drop']);
  });

  it('reads priority and cookie of a flow', () => {
    const [step] = parseTrace(recorded.missBeyondPatch).visits[0]?.steps ?? [];
    expect(step).toMatchObject({ priority: 100, cookie: '0x5cda' });
    expect(parseTrace(recorded.noMatch).visits[0]?.steps[0]).toMatchObject({ rule: 'No match.', priority: undefined });
  });

  it('gives the actions after a resubmission to the table that resubmitted', () => {
    expect(shape(recorded.learning)[0]?.steps).toEqual([
      [0, 'write_metadata:0x11', 'goto_table:10'],
      [10, expect.stringMatching(/^learn\(/), 'resubmit(,13)', 'goto_table:14'],
      [13, 'drop'],
      [14, 'output:1', 'output:2'],
    ]);
  });

  it('keeps a remark with its action', () => {
    const actions = parseTrace(recorded.learning).visits[0]?.steps.at(-1)?.actions;
    expect(actions?.map(({ notes }) => notes)).toEqual([['OFPPC_NO_FWD set, skipping output'], []]);
    const last = parseTrace(recorded.circle).visits[0]?.steps.at(-1)?.actions.at(-1);
    expect(last?.notes).toEqual(['over max translation depth 64']);
  });

  it('returns from a nested bridge to the one that it interrupts', () => {
    expect(shape(recorded.nestedPeers)).toEqual([
      {
        bridge: 'br-sfc',
        from: undefined,
        steps: [
          [0, 'set_field:0x2/0xffff->reg0', 'write_metadata:0x5', 'goto_table:14'],
          [14, 'output:NXM_NX_REG0[0..15]', 'output:5', 'IN_PORT', 'ALL'],
        ],
      },
      { bridge: 'br-hbn', from: { visit: 0, action: 'output:5' }, steps: [[0, 'output:9', 'output:1']] },
      { bridge: 'br-hbn', from: { visit: 0, action: 'ALL' }, steps: [[0, 'output:9', 'output:1']] },
    ]);
  });

  it('goes on after connection tracking in the bridge that asked for it', () => {
    expect(shape(recorded.recirculated).map(({ bridge, from }) => [bridge, from?.visit])).toEqual([
      ['br-sfc', undefined],
      ['br-hbn', 0],
      ['br-hbn', 1],
    ]);
    expect(parseTrace(recorded.recirculated).datapath).toEqual(['ct,recirc(0x1)', '7']);
  });

  it('takes any text without a failure', () => {
    const piece = fc.constantFrom(
      'bridge("x")',
      ' 0. a',
      '10. b',
      '    output:1',
      ' >> n',
      'recirc(',
      'thaw',
      '\u001b',
      '',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9), fc.oneof(piece, fc.string()))), (lines) => {
        const text = lines.map(([indent, line]) => ' '.repeat(indent) + line).join('\n');
        expect(parseTrace(text).visits.length).toBeLessThanOrEqual(200);
      }),
    );
  });
});
