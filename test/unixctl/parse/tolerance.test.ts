/** Parsers meet releases that nobody has seen: whatever comes, they go on and count what they did not understand. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as unixctl from '../../../src/unixctl/index.js';
import { fixture, fixtures } from '../../fakes/unixctl-fixture.js';

type Parser = (text: string) => { readonly unknown: unixctl.UnknownLines };

const parsers: Readonly<Record<string, Parser>> = {
  'bridge-dump-flows': unixctl.parseBridgeFlows,
  'coverage-show': unixctl.parseCoverage,
  'ct-get-limits': unixctl.parseCtLimits,
  'ct-stats-show': unixctl.parseCtStats,
  'ct-stats-show-m': unixctl.parseCtStats,
  'kernel-show': unixctl.parseDatapathShow,
  'kernel-upcall-show': unixctl.parseUpcallShow,
  detrace: unixctl.parseDetrace,
  'dpif-show': unixctl.parseDpifShow,
  'dump-flows': unixctl.parseFlowDump,
  'dump-flows-m': unixctl.parseFlowDump,
  'fdb-stats-show': unixctl.parseFdbStats,
  'get-malloc-stats': unixctl.parseMallocStats,
  'memory-show': unixctl.parseMemoryShow,
  'metrics-show': unixctl.parseMetrics,
  'offload-show': unixctl.parseOffloadShow,
  'offload-stats-show': unixctl.parseOffloadStats,
  'pipe-group-dump': unixctl.parsePipeGroups,
  'pmd-perf-show': unixctl.parsePmdPerf,
  'pmd-rxq-show': unixctl.parsePmdRxq,
  'pmd-stats-show': (text) => (text.includes('Measurement') ? unixctl.parsePmdPerf : unixctl.parsePmdStats)(text),
  'show-dp-features': unixctl.parseDpFeatures,
  'show-s': unixctl.parseDatapathShow,
  'upcall-show': unixctl.parseUpcallShow,
};

const samples = [...fixtures().keys()].flatMap((name) => {
  const parse = parsers[name.split('/')[1] ?? ''];
  return parse === undefined ? [] : [{ name, parse, lines: fixture(name).split('\n') }];
});

const strange = '?? a line of tomorrow ??';

describe.each(samples)('the parser of $name', ({ parse, lines }) => {
  it('understands all of it', () => {
    expect(parse(lines.join('\n')).unknown).toEqual({ count: 0, first: [] });
  });

  it('goes on after a line that it does not know, wherever it is', () => {
    const { unknown: _, ...understood } = parse(lines.join('\n'));
    for (let at = 0; at <= lines.length; at += 1) {
      const { unknown, ...rest } = parse([...lines.slice(0, at), strange, ...lines.slice(at)].join('\n'));
      expect(unknown).toEqual({ count: 1, first: [strange] });
      expect(rest).toEqual(understood);
    }
  });

  it('never throws and never counts more than there is, whatever lines come and go', () => {
    const mixed = fc.array(fc.oneof(fc.constantFrom(...lines), fc.string({ unit: 'binary', maxLength: 40 })), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(mixed, fc.nat(200), (list, cut) => {
        const text = list.join('\n');
        for (const part of [text, text.slice(0, cut), text.slice(cut)]) {
          const { unknown } = parse(part);
          expect(unknown.count).toBeLessThanOrEqual(part.split('\n').length);
          expect(unknown.first.length).toBe(Math.min(5, unknown.count));
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('the parsers of one value', () => {
  it('never throw', () => {
    const parseAll = [
      unixctl.parseReadCounter,
      unixctl.parseCtCount,
      unixctl.parseVersion,
      unixctl.parseNameList,
      unixctl.parseCommandList,
      unixctl.parsePmdStats,
    ];
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseAll.forEach((parse) => void parse(text))));
  });

  it('take nothing for a number that is none', () => {
    for (const text of ['', '?', 'No such counter', '1 2', '0x10'])
      expect(unixctl.parseReadCounter(text)).toBeUndefined();
  });
});
