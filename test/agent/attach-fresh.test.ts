import { describe, expect, it } from 'vitest';
import { FreshPorts, readingMsMax } from '../../src/agent/attach-fresh.js';
import type { ObservedPort } from '../../src/model/observed.js';
import { identityOf, podPort } from '../fakes/attach-inputs.js';

function withNumber(ofport: number | undefined): ReadonlyMap<string, ObservedPort> {
  return new Map([['rep0-1', podPort('rep0-1', identityOf('web-0'), { main: { ofport } })]]);
}

describe('fresh ports', () => {
  it('are fresh until their number has been seen for as long as a reading of the devices may be old', () => {
    const fresh = new FreshPorts();
    fresh.note(['rep0-1']);
    expect([...fresh.see(withNumber(undefined), 0)]).toEqual(['rep0-1']);
    expect([...fresh.see(withNumber(7), 60_000)]).toEqual(['rep0-1']);
    expect([...fresh.see(withNumber(7), 60_000 + readingMsMax - 1)]).toEqual(['rep0-1']);
    expect([...fresh.see(withNumber(7), 60_000 + readingMsMax)]).toEqual([]);
  });

  it('are forgotten when they go, and are none where this process did not make them', () => {
    const fresh = new FreshPorts();
    expect([...fresh.see(withNumber(7), 0)]).toEqual([]);
    fresh.note(['rep0-1']);
    expect([...fresh.see(new Map(), 1)]).toEqual([]);
    expect([...fresh.see(withNumber(7), 2)]).toEqual([]);
  });
});
