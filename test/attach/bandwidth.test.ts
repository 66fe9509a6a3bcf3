import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loweredLimits, parseBandwidth, policingOf, rateCapBps } from '../../src/attach/bandwidth.js';
import type { AnnotationText, PodAnnotations } from '../../src/model/pod.js';
import { isPrintable } from './hostile-texts.js';

function annotations(ingressBandwidth: AnnotationText, egressBandwidth: AnnotationText): PodAnnotations {
  return { details: undefined, status: undefined, networks: undefined, ingressBandwidth, egressBandwidth };
}

const anyLimit = fc.integer({ min: 1_000, max: 1_000_000_000_000_000 });

describe('parseBandwidth', () => {
  it('finds no limit where there is no annotation', () => {
    const none = { ingressBps: undefined, egressBps: undefined, problems: [] };
    expect(parseBandwidth(annotations(undefined, undefined))).toEqual(none);
  });

  it('reads both directions', () => {
    expect(parseBandwidth(annotations('10M', '1.5Gi'))).toEqual({
      ingressBps: 10_000_000,
      egressBps: 1_610_612_736,
      problems: [],
    });
  });

  it.each([
    ['1k', 1_000],
    ['1000', 1_000],
    ['999.5', 1_000],
    ['1000000m', 1_000],
    ['1e3', 1_000],
    ['1P', 1_000_000_000_000_000],
    ['0.001E', 1_000_000_000_000_000],
  ])('takes %s at the edge', (text, bps) => {
    expect(parseBandwidth(annotations(text, text))).toEqual({ ingressBps: bps, egressBps: bps, problems: [] });
  });

  it.each<[AnnotationText, string]>([
    ['0', 'is "0"; less than 1k is not taken.'],
    ['-1M', 'is "-1M"; less than 1k is not taken.'],
    ['999', 'is "999"; less than 1k is not taken.'],
    ['1n', 'is "1n"; less than 1k is not taken.'],
    ['1000000000000001', 'is "1000000000000001"; more than 1P is not taken.'],
    ['1.1P', 'is "1.1P"; more than 1P is not taken.'],
    ['1E', 'is "1E"; more than 1P is not taken.'],
    ['1Pi', 'is "1Pi"; more than 1P is not taken.'],
    ['1e999999999', 'is "1e999999999"; more than 1P is not taken.'],
    ['', 'is "", which is no quantity.'],
    ['fast', 'is "fast", which is no quantity.'],
    ['10Mbit', 'is "10Mbit", which is no quantity.'],
    ['1M\u001b[31m', 'is "1M\\u001b[31m", which is no quantity.'],
    [{ sizeBytes: 1_000_000 }, 'is a text of 1000000 bytes, which is no quantity.'],
  ])('refuses %j and says why, without harm to the other direction', (text, problem) => {
    expect(parseBandwidth(annotations(text, '1M'))).toEqual({
      ingressBps: undefined,
      egressBps: 1_000_000,
      problems: [`ingress-bandwidth ${problem}`],
    });
    expect(parseBandwidth(annotations('1M', text))).toEqual({
      ingressBps: 1_000_000,
      egressBps: undefined,
      problems: [`egress-bandwidth ${problem}`],
    });
  });

  it('never throws, and either reads an annotation or says why not', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { ingressBps, problems } = parseBandwidth(annotations(text, undefined));
        expect(problems.length).toBe(ingressBps === undefined ? 1 : 0);
        expect(problems.every(isPrintable)).toBe(true);
      }),
    );
  });

  it('reads every limit that is written as a number', () => {
    fc.assert(
      fc.property(anyLimit, (bps) => {
        expect(parseBandwidth(annotations(String(bps), undefined)).ingressBps).toBe(bps);
      }),
    );
  });
});

describe('policingOf', () => {
  it.each([
    [undefined, { rateKbps: 0, burstKb: 0 }],
    // A tenth of it would be less than one frame, and no frame would ever pass.
    [1_000, { rateKbps: 1, burstKb: 13 }],
    [1_999, { rateKbps: 1, burstKb: 13 }],
    [100_000, { rateKbps: 100, burstKb: 13 }],
    [130_000, { rateKbps: 130, burstKb: 13 }],
    [140_000, { rateKbps: 140, burstKb: 14 }],
    [1_000_000, { rateKbps: 1_000, burstKb: 100 }],
    [10_000_000_000, { rateKbps: 10_000_000, burstKb: 1_000_000 }],
    [4_294_967_295_000, { rateKbps: 4_294_967_295, burstKb: 429_496_729 }],
    [1_000_000_000_000_000, { rateKbps: 4_294_967_295, burstKb: 429_496_729 }],
  ])('polices %s bit/s', (bps, expected) => expect(policingOf(bps)).toEqual(expected));

  it('lets a jumbo frame pass where the device carries one', () => {
    expect(policingOf(100_000, 9_000)).toEqual({ rateKbps: 100, burstKb: 73 });
  });

  it('never turns a limit into none, nor into a burst that no frame fits into', () => {
    fc.assert(
      fc.property(anyLimit, fc.integer({ min: 68, max: 65_535 }), (bps, mtu) => {
        const { rateKbps, burstKb } = policingOf(bps, mtu);
        expect(rateKbps).toBeGreaterThan(0);
        expect(rateKbps * 1000).toBeLessThanOrEqual(bps);
        expect(burstKb * 1000).toBeGreaterThanOrEqual(mtu * 8);
        expect(Math.max(rateKbps, burstKb)).toBeLessThanOrEqual(0xffff_ffff);
      }),
    );
  });
});

describe('what Open vSwitch can hold', () => {
  const capOld = 34_359_738_360;

  it.each([
    ['3.2.0', Infinity],
    ['3.10.1', Infinity],
    ['4.0.90', Infinity],
    ['2.9.0-0056-24.10-based-3.3.1', Infinity],
    ['3.1.0', capOld],
    ['2.17.8-based-3.1.2', capOld],
    ['2.17.8', capOld],
    ['', capOld],
    ['unknown', capOld],
    [undefined, capOld],
  ])('is told by the version %s', (version, cap) => expect(rateCapBps(version)).toBe(cap));

  it('is the highest rate whose bytes per second fit into 32 bits', () => {
    expect(rateCapBps('3.1.0') / 8).toBe(2 ** 32 - 1);
    expect(policingOf(40e9, 1500, capOld)).toEqual({ rateKbps: 34_359_738, burstKb: 3_435_973 });
    expect(policingOf(1e9, 1500, capOld)).toEqual(policingOf(1e9));
  });

  it('lowers a limit above it, and says so', () => {
    const wanted = { ingressBps: 40e9, egressBps: 50e9 };
    const written = { maxRateBps: capOld, policing: policingOf(50e9, 1500, capOld) };
    expect(loweredLimits(wanted, written)).toEqual([
      'ingress-bandwidth is lowered to 34.4 Gbit/s, the most that this Open vSwitch can hold.',
      'egress-bandwidth is lowered to 34.4 Gbit/s, the most that this Open vSwitch can hold.',
    ]);
  });

  it('says nothing of limits that are written as they are', () => {
    const limits = { ingressBps: 1e9, egressBps: 1_500 };
    expect(loweredLimits(limits, { maxRateBps: 1e9, policing: policingOf(1_500) })).toEqual([]);
    const none = { ingressBps: undefined, egressBps: undefined };
    expect(loweredLimits(none, { maxRateBps: undefined, policing: policingOf(undefined) })).toEqual([]);
  });
});
