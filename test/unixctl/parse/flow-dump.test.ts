import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flowFields, FlowDumpParser, parseFlow, parseFlowDump } from '../../../src/unixctl/index.js';
import { fixture, releases } from '../../fakes/unixctl-fixture.js';

const clean = { count: 0, first: [] };

describe('the parser of flow dumps', () => {
  it.each(releases)('reads every flow of %s, by names', (release) => {
    const dump = parseFlowDump(fixture(`ovs-${release}/dump-flows-m`));
    expect(dump).toMatchObject({ flows: 4, headers: 1, unknown: clean, unknownFields: clean });
    const sorted = [...dump.list].sort((a, b) => a.actions.localeCompare(b.actions));
    expect(sorted.map(({ inPort, recircId, actions }) => [inPort, recircId, actions])).toEqual(
      expect.arrayContaining([
        ['pf0vf4', 0, 'ct(commit),recirc(0x1)'],
        ['pf0vf4', 1, 'pf0vf3'],
        ['pf0vf3', 0, 'p0_if'],
        ['pf0vf5', 0, 'p0_if'],
      ]),
    );
    for (const flow of dump.list) {
      expect(flow).toMatchObject({ packets: 5, bytes: 530, core: 0, flags: '', offloadInfo: undefined });
      expect(flow.usedMs).toBeGreaterThan(1000);
      expect(flow.ufid).toMatch(/^[0-9a-f-]{36}$/);
      expect(flow.extraInfo).toMatch(/^miniflow_bits\(\d,\d\)$/);
    }
  });

  it.each(releases)('reads every flow of %s, by numbers', (release) => {
    const dump = parseFlowDump(fixture(`ovs-${release}/dump-flows`));
    expect(dump).toMatchObject({ flows: 4, headers: 1, unknown: clean, unknownFields: clean });
    for (const flow of dump.list) {
      expect(flow).toMatchObject({ ufid: undefined, layer: undefined, offloaded: undefined, extraInfo: undefined });
      expect(flow.inPort).toMatch(/^\d$/);
    }
  });

  it('tells full from partial and no offload', () => {
    const words = (name: string): readonly string[] =>
      parseFlowDump(fixture(name)).list.map(({ offloaded, layer }) => `${offloaded ?? 'no'} ${layer ?? '?'}`);
    expect(words('ovs-4.0/dump-flows-m')).toEqual(['yes dummy', 'yes dummy', 'yes dummy', 'partial ovs']);
    expect(words('ovs-3.5/dump-flows-m')).toEqual(Array(4).fill('no ovs'));
    expect(words('ovs-3.1-dummy/dump-flows-m')).toEqual(Array(4).fill('no ovs'));
  });

  it('knows the thread of a flow', () => {
    expect(parseFlowDump(fixture('ovs-3.1-dummy/dump-flows-m')).list.map(({ core }) => core)).toEqual(
      Array(4).fill('main'),
    );
  });

  it('reads the shape of NVIDIA, with its reasons', () => {
    const dump = parseFlowDump(fixture('by-hand/dump-flows-m'));
    expect(dump).toMatchObject({ flows: 2, headers: 2, unknown: clean, unknownFields: clean });
    expect(dump.list).toMatchObject([
      { layer: 'doca', offloaded: 'yes', flags: 'SFP.', usedMs: 10, packets: 918273, core: 3, offloadInfo: undefined },
      {
        layer: 'ovs',
        offloaded: undefined,
        usedMs: undefined,
        inPort: 'br-ovn',
        recircId: 42,
        actions: 'ct(commit,zone=5,nat(src=10.0.0.7)),recirc(0x2b)',
        extraInfo: 'miniflow_bits(4,1)',
        offloadInfo: 'match unsupported: br-ovn: unable to get eswitch mgr port id, giving up',
      },
    ]);
    expect(dump.list[0]?.actions).toMatch(/^tnl_push\(.*\),p0$/);
  });

  it('does not care for the order of the fields, and says which it does not know', () => {
    const parser = new FlowDumpParser();
    const flow = parser.push(
      'in_port(3), packets:1, dp:tc, new:thing, offloaded:maybe, used:never, bytes:2, actions:drop',
    );
    expect(flow).toMatchObject({ layer: 'tc', packets: 1, bytes: 2, offloaded: undefined, actions: 'drop' });
    expect(parser.counts.unknownFields).toEqual({ count: 2, first: ['new:thing', 'offloaded:maybe'] });
  });

  it('takes half a flow for none', () => {
    const line = fixture('ovs-4.0/dump-flows-m').split('\n')[1]!;
    const actionsAt = line.indexOf('actions:');
    for (let length = 0; length < actionsAt; length += 1) expect(parseFlow(line.slice(0, length))).toBeUndefined();
    expect(parseFlow(line)).toBeDefined();
  });

  it('counts every line that is not empty exactly once, whatever the lines are, and never throws', () => {
    const parts = [
      'ufid:',
      'in_port(',
      ')',
      ', packets:',
      '1',
      ', bytes:',
      ', used:',
      's',
      'never',
      ', actions:',
      ', dp-',
      ':',
      'x',
    ];
    const line = fc.oneof(
      fc.string({ unit: 'binary' }).filter((text) => !text.includes('\n')),
      fc.array(fc.constantFrom(...parts)).map((list) => list.join('')),
      fc.constantFrom('flow-dump from pmd on cpu core: 7', 'in_port(1), packets:1, bytes:2, used:never, actions:2', ''),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { flows, headers, unknown, list } = parseFlowDump(lines.join('\n'));
        expect(flows + headers + unknown.count).toBe(lines.filter((text) => text.trim() !== '').length);
        expect(list.length).toBe(flows);
        expect(unknown.first.length).toBe(Math.min(5, unknown.count));
      }),
    );
  });

  it('adds up to what a plain search finds', () => {
    const flow = fc.record({
      packets: fc.nat(),
      bytes: fc.nat(),
      offloaded: fc.constantFrom('', ', offloaded:yes', ', offloaded:partial'),
    });
    fc.assert(
      fc.property(fc.array(flow), (flows) => {
        const lines = flows.map(
          ({ packets, bytes, offloaded }) =>
            `recirc_id(0),in_port(p), packets:${packets}, bytes:${bytes}, used:0.1s${offloaded}, dp:tc, actions:q`,
        );
        const { list } = parseFlowDump(lines.join('\n'));
        const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
        expect(sum(list.map(({ packets }) => packets))).toBe(sum(flows.map(({ packets }) => packets)));
        expect(list.filter(({ offloaded }) => offloaded === 'yes').length).toBe(
          lines.filter((line) => line.includes('offloaded:yes')).length,
        );
      }),
    );
  });
});

describe('the fields of a match', () => {
  it('are cut at the outermost commas', () => {
    expect(flowFields('recirc_id(0),in_port(3),ct(commit,nat(src=1)),5,geneve({class=1,len=4}),tcp')).toEqual([
      { name: 'recirc_id', inside: '0' },
      { name: 'in_port', inside: '3' },
      { name: 'ct', inside: 'commit,nat(src=1)' },
      { name: '5', inside: undefined },
      { name: 'geneve', inside: '{class=1,len=4}' },
      { name: 'tcp', inside: undefined },
    ]);
  });

  it('hold all of the text again when they are joined', () => {
    const text = parseFlowDump(fixture('by-hand/dump-flows-m')).list[0]!;
    for (const part of [text.match, text.actions]) {
      const joined = flowFields(part).map(({ name, inside }) => (inside === undefined ? name : `${name}(${inside})`));
      expect(joined.join(',')).toBe(part);
    }
  });

  it('never throw', () => {
    fc.assert(fc.property(fc.string(), (text) => void flowFields(text)));
  });
});
