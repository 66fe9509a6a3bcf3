import { describe, expect, it } from 'vitest';
import { MeasurementBook } from '../../src/agent/measurement-book.js';
import { known, unknown } from '../../src/model/fact.js';

const stamp = { readAtMs: 0, wallMs: 7, cost: { tookMs: 2, mainThreadMs: 1, roundTripMs: 1 } };
const gone = unknown('/proc is not to be seen');

describe('the book of measurements', () => {
  it('marks a reading in which nothing is known as failed, until something is', () => {
    const book = new MeasurementBook();
    const machine = (): unknown => book.states().find(({ name }) => name === 'machine');
    book.read('machine', { ...stamp, ...{ memory: gone, uptimeMs: gone } });
    expect(machine()).toMatchObject({
      ...{ readings: 0, failures: 1, wallMs: undefined, mainThreadMs: 1 },
      problem: 'Nothing can be read: /proc is not to be seen.',
    });
    book.read('machine', { ...stamp, ...{ memory: gone, uptimeMs: known(5) } });
    expect(machine()).toMatchObject({ readings: 1, failures: 1, wallMs: 7, mainThreadMs: 2, problem: undefined });
  });

  it('takes a reading without facts for one', () => {
    const book = new MeasurementBook();
    book.read('flows', stamp);
    expect(book.states().find(({ name }) => name === 'flows')).toMatchObject({ readings: 1, failures: 0 });
  });
});
