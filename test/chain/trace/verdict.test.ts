import { describe, expect, it } from 'vitest';
import { parseTrace } from '../../../src/chain/trace/output.js';
import { judgeVisit, type VerdictContext, type VisitOutcome } from '../../../src/chain/trace/verdict.js';
import * as recorded from './recorded-traces.js';

const cookie = '0x5cda000001010001';

function judge(text: string, index = 0, context: Partial<VerdictContext> = {}): VisitOutcome {
  const { visits, datapath } = parseTrace(text);
  const isDropped = datapath.every((actions) => actions === 'drop');
  return judgeVisit(visits, index, { cookie, tag: 0x5cda, isDropped, portProblem: () => undefined, ...context });
}

/** A trace in which one flow of the chain drops. */
const drop = (table: number, rule: string): string =>
  `bridge("br-sfc")\n----\n${String(table).padStart(2)}. ${rule}\n    drop\n\nDatapath actions: drop\n`;

describe('what became of a packet in a bridge', () => {
  it('goes on through a patch port, and dies where no flow takes it', () => {
    expect(judge(recorded.missBeyondPatch)).toEqual({
      exits: [{ ofport: 5, problem: undefined, entersBridge: 'br-hbn' }],
      opaque: [],
      death: undefined,
    });
    expect(judge(recorded.missBeyondPatch, 1).death).toBe('no flow of br-hbn takes it');
    expect(judge(recorded.noMatch).death).toBe('no flow of br-sfc takes it');
  });

  it('leaves by the ports that are not skipped', () => {
    const { exits, death } = judge(recorded.learning);
    expect(exits).toEqual([
      { ofport: 1, problem: 'OFPPC_NO_FWD set, skipping output', entersBridge: undefined },
      { ofport: 2, problem: undefined, entersBridge: undefined },
    ]);
    expect(death).toBeUndefined();
  });

  it('knows the port of an output to a register, and does not blame a flood for leaving its origin out', () => {
    expect(judge(recorded.nestedPeers).exits[0]).toMatchObject({ ofport: 2 });
    expect(judge(recorded.nestedPeers, 1).exits).toEqual([{ ofport: 1, problem: undefined, entersBridge: undefined }]);
  });

  it('lives on behind connection tracking', () => {
    expect(judge(recorded.recirculated, 1).death).toBeUndefined();
    expect(judge(recorded.recirculated, 2)).toMatchObject({ exits: [{ ofport: 1 }], death: undefined });
  });

  it.each([
    ['a port that does not receive', recorded.noReceive, 'no-receive'],
    ['a patch port without peer', recorded.noPeer, 'nothing leaves by #5: a patch port without peer'],
    ['a circle', recorded.circle, 'the switch gave up: over max translation depth 64'],
    ['a port that is gone', recorded.badOutputs, 'it leaves by no port: #77: Nonexistent output port'],
    ['no bridge at all', 'bridge("br\u001b0")\n', 'br\\u001b0 looked it up in no table'],
  ])('says why it dies at %s', (_what, text, words) => {
    expect(judge(text).death).toContain(words);
  });

  it('dies where every port that it would leave by is down', () => {
    const down = { portProblem: () => 'its link is down' };
    expect(judge(recorded.recirculated, 2, down).death).toBe('it leaves by no port: #1: its link is down');
  });

  it.each([
    [0, 'in_port=1, priority 100', 'the other side has no usable port now'],
    [0, 'in_port=1, priority 90', 'none of the VLANs'],
    [0, 'in_port=1, priority 120', 'pinned to another port'],
    [10, 'dl_src=02:00:00:00:00:01, priority 20', 'pinned to another port'],
    [10, 'dl_src=01:00:00:00:00:00/01:00:00:00:00:00, priority 40', 'its sender is a group address'],
    [12, 'priority 10', 'the chain refuses moves'],
  ])("explains what a drop of the chain's table %i (%s) means", (table, rule, words) => {
    expect(judge(drop(table, `${rule}, cookie ${cookie}`)).death).toContain(words);
  });

  it('names the cookie of a flow that is not the agent’s', () => {
    const death = judge(drop(0, 'in_port=1, priority 900, cookie 0x77')).death;
    expect(death).toBe("a flow that is not the agent's drops it (table 0, cookie 0x77)");
    expect(judge(drop(0, 'in_port=1, priority 900')).death).toContain('cookie 0x0');
  });
});
