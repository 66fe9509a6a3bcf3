import { describe, expect, it } from 'vitest';
import { ownerKey } from '../../src/model/ownership.js';
import { holderOfInterface, isOwnBridge, isOwnPort, mainInterface } from '../../src/plan/own-rows.js';
import { bridgeRow, interfaceRow, mapOf, marked, observedOf, owner, ownPortRow, portRow } from '../fakes/plan-rows.js';

const theirs = mapOf({ [ownerKey]: 'agent-2' });

describe('whose a port is', () => {
  it.each([
    ['both rows are marked', marked(), marked(), true],
    ['only the port row is', marked(), mapOf({}), true],
    ['only the interface row is', mapOf({}), marked(), true],
    ['no row is', mapOf({}), mapOf({}), false],
    ["the port row carries another's mark", theirs, marked(), false],
    ["only the interface carries another's mark", marked(), theirs, true],
  ])('follows from the marks when %s', (_when, port, main, isOwn) => {
    expect(isOwnPort(portRow('x', 'b', { externalIds: port }, { externalIds: main }), owner)).toBe(isOwn);
  });

  it('is not told by an interface of another name', () => {
    const port = portRow('x', 'b', { interfaces: [interfaceRow('y', { externalIds: marked() })] });
    expect(mainInterface(port)).toBeUndefined();
    expect(isOwnPort(port, owner)).toBe(false);
  });
});

describe('whose a bridge is', () => {
  it.each([
    ['its row is marked', marked(), [], true],
    ['only its local port is', mapOf({}), [ownPortRow('b', 'b')], true],
    ['another port on it is', mapOf({}), [ownPortRow('x', 'b')], false],
    ['a port of its name on another bridge is', mapOf({}), [ownPortRow('b', 'c')], false],
    ["its row carries another's mark", theirs, [ownPortRow('b', 'b')], false],
  ])('follows from the marks when %s', (_when, externalIds, ports, isOwn) => {
    const bridge = bridgeRow('b', { externalIds });
    expect(isOwnBridge(bridge, observedOf({ bridges: [bridge], ports }), owner)).toBe(isOwn);
  });
});

describe('the holder of an interface', () => {
  const bond = portRow('bond0', 'b', { interfaces: [interfaceRow('m0'), interfaceRow('m1')] });

  it('is the port of its name, or the one that has it as a member', () => {
    const world = observedOf({ ports: [bond, portRow('x', 'b')] });
    expect(holderOfInterface(world, 'x')?.name).toBe('x');
    expect(holderOfInterface(world, 'm1')?.name).toBe('bond0');
    expect(holderOfInterface(world, 'none')).toBeUndefined();
  });

  it('is not a port that only has the name', () => {
    const world = observedOf({ ports: [portRow('m1', 'b', { interfaces: [interfaceRow('z')] }), bond] });
    expect(holderOfInterface(world, 'm1')?.name).toBe('bond0');
  });
});
