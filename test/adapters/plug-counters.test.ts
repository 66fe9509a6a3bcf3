import { describe, expect, it } from 'vitest';
import { countedSincePlug, type PlugRecord, recordPlug, type RowReading } from '../../src/adapters/plug-counters.js';

interface Step {
  readonly uuid?: string;
  readonly holder?: string;
  /** Undefined: no counters. */
  readonly packets: bigint | undefined;
}

/** What is shown after each step: since when, and packets. */
function follow(steps: readonly Step[]): readonly (readonly [number, bigint | undefined] | undefined)[] {
  let record: PlugRecord | undefined = undefined;
  return steps.map(({ uuid = 'row', holder = 'pod', packets }, wallMs) => {
    const counters = packets === undefined ? undefined : { received: { packets }, sent: {} };
    const reading: RowReading = { uuid, holder, counters, wallMs };
    record = recordPlug(record, reading);
    const counted = countedSincePlug(record);
    return counted === undefined ? undefined : ([counted.sinceWallMs, counted.received.packets] as const);
  });
}

describe('the counters of a plugged interface', () => {
  it('begin with nothing when the first counters of the row arrive', () => {
    expect(follow([{ packets: undefined }, { packets: 900n }, { packets: 905n }])).toEqual([
      undefined,
      [1, 0n],
      [1, 5n],
    ]);
  });

  it('are not those of the row before, which the device has counted for another pod', () => {
    const steps = [{ packets: 900n }, { packets: 950n }, { uuid: 'next', packets: undefined }];
    expect(follow([...steps, { uuid: 'next', packets: 950n }, { uuid: 'next', packets: 951n }])).toEqual([
      [0, 0n],
      [0, 50n],
      undefined,
      [3, 0n],
      [3, 1n],
    ]);
  });

  it('wait for new counters where a row that stays is given to another pod', () => {
    const steps = [{ packets: 900n }, { holder: 'next', packets: 900n }, { holder: 'next', packets: 900n }];
    expect(follow([...steps, { holder: 'next', packets: 930n }, { holder: 'next', packets: 931n }])).toEqual([
      [0, 0n],
      undefined,
      undefined,
      [3, 0n],
      [3, 1n],
    ]);
  });

  it('begin anew where the device counts from nothing again', () => {
    expect(follow([{ packets: 900n }, { packets: 950n }, { packets: 20n }, { packets: 960n }])).toEqual([
      [0, 0n],
      [0, 50n],
      [2, 20n],
      [2, 960n],
    ]);
  });
});
