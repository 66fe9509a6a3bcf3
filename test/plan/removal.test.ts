import { describe, expect, it } from 'vitest';
import { candidateKey, lossOfRemoval } from '../../src/plan/removal.js';

describe('the key of a candidate', () => {
  it('tells the causes of one object apart', () => {
    const object = { kind: 'port', name: 'p0', bridge: 'br-a' } as const;
    expect(candidateKey(object, 'orphan')).not.toBe(candidateKey(object, 'deviceGone'));
  });

  it('stays when the port is moved, so that its sightings go on', () => {
    const on = (bridge: string) => candidateKey({ kind: 'port', name: 'p0', bridge }, 'orphan');
    expect(on('br-a')).toBe(on('br-b'));
  });
});

describe('the loss of a removal', () => {
  it('is none where no traffic flows any more', () => {
    expect(lossOfRemoval.deviceGone).toMatch(/^none/);
    expect(lossOfRemoval.deviceRecreated).toMatch(/^none/);
    expect(lossOfRemoval.orphan).not.toMatch(/^none/);
  });
});
