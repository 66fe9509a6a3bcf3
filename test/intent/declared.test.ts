import { describe, expect, it } from 'vitest';
import { declaredDevices, isDeclared } from '../../src/intent/declared.js';
import type { Attachment, Intents, PortIntent } from '../../src/model/intent.js';
import type { RepresentorSelector } from '../../src/model/netdev.js';
import { findVf, vfOf } from '../fakes/attach-inputs.js';
import { bridgeIntent, portIntent } from '../fakes/plan-rows.js';

const hostVf = (vf: number, controller?: number): RepresentorSelector => ({ kind: 'hostVf', pf: 0, vf, controller });
const representor = (selector: RepresentorSelector): Attachment => ({ kind: 'representor', selector, type: undefined });
const netdevsOf = (...list: readonly ReturnType<typeof vfOf>[]) => new Map(list.map((entry) => [entry.name, entry]));

function declaredBy(ports: readonly PortIntent[], netdevs = netdevsOf(vfOf(1), vfOf(2))) {
  const intents: Intents = { bridges: [bridgeIntent('br-a')], ports };
  return declaredDevices(intents, netdevs, findVf);
}

describe('what declared ports take', () => {
  it('is the device that stands for the function, and the function itself', () => {
    const declared = declaredBy([portIntent(undefined, 'br-a', { attachment: representor(hostVf(1)) })]);
    expect([vfOf(1), vfOf(1, { name: 'renamed' }), vfOf(2)].map((entry) => isDeclared(declared, entry))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('is the function while its device is away', () => {
    const declared = declaredBy([portIntent(undefined, 'br-a', { attachment: representor(hostVf(3)) })]);
    expect(isDeclared(declared, vfOf(3))).toBe(true);
  });

  it('is not the function of the same numbers of another host', () => {
    const declared = declaredBy([portIntent(undefined, 'br-a', { attachment: representor(hostVf(3, 2)) })]);
    expect(isDeclared(declared, vfOf(3, { controller: 1 }))).toBe(false);
    expect(isDeclared(declared, vfOf(3, { controller: 2 }))).toBe(true);
    expect(isDeclared(declared, vfOf(3, { controller: undefined }))).toBe(true);
  });

  it('is each device that a selector may mean', () => {
    const netdevs = netdevsOf(vfOf(1), vfOf(1, { name: 'twin', controller: 2 }));
    const declared = declaredBy([portIntent(undefined, 'br-a', { attachment: representor(hostVf(1)) })], netdevs);
    expect([...declared.names].sort()).toEqual(['br-a', 'pf0vf1', 'twin']);
  });

  it('is a device that is declared by its name, there or not', () => {
    const declared = declaredBy([portIntent('pf0vf9', 'br-a', { attachment: { kind: 'system' } })]);
    expect(isDeclared(declared, vfOf(9))).toBe(true);
  });
});
