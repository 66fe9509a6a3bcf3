import { describe, expect, it } from 'vitest';
import type { PortIntent } from '../../src/model/intent.js';
import type { ObservedInterface, ObservedPort } from '../../src/model/observed.js';
import { pinsKey } from '../../src/model/ownership.js';
import { chooseOfport, ofportMin } from '../../src/plan/identity.js';
import { assignOfports } from '../../src/plan/ofports.js';
import {
  bridgeIntent,
  bridgeRow,
  marked,
  observedOf,
  owner,
  ownPortRow,
  planInput,
  portIntent,
  portRow,
} from '../fakes/plan-rows.js';

function assign(ports: readonly PortIntent[], rows: readonly ObservedPort[] = []) {
  const bridges = [bridgeIntent('br-a'), bridgeIntent('br-b')];
  const { desired, observed } = planInput(
    { bridges, ports },
    observedOf({ bridges: [bridgeRow('br-a'), bridgeRow('br-b')], ports: rows }),
  );
  return assignOfports(desired, observed, owner);
}

const own = (name: string, main: Partial<ObservedInterface>) => ownPortRow(name, 'br-a', {}, main);
const pinned = (ofport: string) => ({ externalIds: marked({ [pinsKey]: `{"ofport":"${ofport}"}` }) });

describe('the number of a port', () => {
  it('is the declared one', () => {
    expect(assign([portIntent('x0', 'br-a', { ofport: 7 })]).ofports).toEqual(new Map([['x0', 7]]));
  });

  it('is never given to a local port', () => {
    expect(assign([]).ofports.size).toBe(0);
  });

  it('follows from its name, and does not change when ports come and go', () => {
    const alone = assign([portIntent('x0', 'br-a')]).ofports.get('x0');
    expect(alone).toBe(chooseOfport('x0', new Set()));
    expect(alone).toBeGreaterThanOrEqual(ofportMin);
    expect(assign([portIntent('w0', 'br-a'), portIntent('x0', 'br-a')]).ofports.get('x0')).toBe(alone);
  });

  it('is the pinned one, before the requested and the present one', () => {
    const row = own('x0', { ...pinned('40000'), ofportRequest: 9, ofport: 4 });
    expect(assign([portIntent('x0', 'br-a')], [row]).ofports.get('x0')).toBe(40000);
  });

  it.each(['0', '65280', '-1', '1.5', 'x', ''])('is not a pin that is no number of a port: %s', (pin) => {
    const row = own('x0', { ...pinned(pin), ofportRequest: 9, ofport: 4 });
    expect(assign([portIntent('x0', 'br-a')], [row]).ofports.get('x0')).toBe(9);
  });

  it('is the present one for a port that is taken over', () => {
    const row = portRow('x0', 'br-a', {}, { ofport: 4 });
    expect(assign([portIntent('x0', 'br-a', { adopt: true })], [row]).ofports.get('x0')).toBe(4);
  });

  it('is a fresh one for a port that has none that can be kept', () => {
    const row = portRow('x0', 'br-a', {}, { ofport: -1 });
    expect(assign([portIntent('x0', 'br-a')], [row]).ofports.get('x0')).toBeGreaterThanOrEqual(ofportMin);
  });

  it('avoids the numbers of ports that are not the agent’s', () => {
    const taken = chooseOfport('x0', new Set())!;
    const used = assign([portIntent('x0', 'br-a')], [portRow('f', 'br-a', {}, { ofport: taken })]);
    expect(used.ofports.get('x0')).not.toBe(taken);
    const requested = assign([portIntent('x0', 'br-a')], [portRow('f', 'br-a', {}, { ofportRequest: taken })]);
    expect(requested.ofports.get('x0')).not.toBe(taken);
    const elsewhere = assign([portIntent('x0', 'br-a')], [portRow('f', 'br-b', {}, { ofport: taken })]);
    expect(elsewhere.ofports.get('x0')).toBe(taken);
  });

  it('starts anew on another bridge', () => {
    const row = own('x0', pinned('40000'));
    expect(assign([portIntent('x0', 'br-b')], [row]).ofports.get('x0')).toBe(chooseOfport('x0', new Set()));
  });
});

describe('a number that two ports want', () => {
  const later = portIntent('x0', 'br-a', { ofport: 7, source: { rank: 1, name: 'controller' } });
  const former = portIntent('x9', 'br-a', { ofport: 7, source: { rank: 0, name: 'config' } });

  it('goes to the stronger source; the other gets a free one, and both are named', () => {
    const { ofports, findings } = assign([later, former]);
    expect(ofports.get('x9')).toBe(7);
    expect(ofports.get('x0')).toBeGreaterThanOrEqual(ofportMin);
    expect(findings).toMatchObject([
      { reason: 'OfportClaimedTwice', object: { name: 'x0' }, claimants: ['config', 'controller'] },
    ]);
  });

  it('can be wanted once on each bridge', () => {
    const { ofports, findings } = assign([
      portIntent('x0', 'br-a', { ofport: 7 }),
      portIntent('x1', 'br-b', { ofport: 7 }),
    ]);
    expect(findings).toEqual([]);
    expect(ofports).toEqual(
      new Map([
        ['x0', 7],
        ['x1', 7],
      ]),
    );
  });

  it('is taken from a port that was only pinned to it, without a finding', () => {
    const { ofports, findings } = assign([portIntent('x0', 'br-a'), former], [own('x0', pinned('7'))]);
    expect(ofports.get('x9')).toBe(7);
    expect(ofports.get('x0')).not.toBe(7);
    expect(findings).toEqual([]);
  });

  it('stays with the first of two that are pinned to it', () => {
    const rows = [own('x0', pinned('40000')), own('x1', pinned('40000'))];
    const { ofports } = assign([portIntent('x1', 'br-a'), portIntent('x0', 'br-a')], rows);
    expect(ofports.get('x0')).toBe(40000);
    expect(ofports.get('x1')).not.toBe(40000);
  });
});
