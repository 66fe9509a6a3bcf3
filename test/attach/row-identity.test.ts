import { describe, expect, it } from 'vitest';
import { isSameIdentity, pluggedPort, rowIdentity, standsFor } from '../../src/attach/row-identity.js';
import type { ObservedPort } from '../../src/model/observed.js';
import { ownerKey } from '../../src/model/ownership.js';
import { identityIds, identityOf, mark, podPort } from '../fakes/attach-inputs.js';
import { interfaceRow, mapOf, portRow } from '../fakes/plan-rows.js';

const identity = identityOf('a');
const ids = identityIds(identity);

/** A port whose rows carry these marks. */
function markedPort(ofPort: string | undefined, ofInterface: string | undefined): ObservedPort {
  const owner = (value: string | undefined) => (value === undefined ? {} : { [ownerKey]: value });
  const main = { type: '', externalIds: mapOf({ ...ids, ...owner(ofInterface) }) };
  return portRow('pf0vf1', 'br-int', { externalIds: mapOf(owner(ofPort)) }, main);
}

describe('the identity of a row', () => {
  it('is read from its keys, and default where no network is named', () => {
    expect(rowIdentity(mapOf(ids))).toEqual(identity);
    const blue = identityOf('a', { nadKey: 'ns/blue' });
    expect(rowIdentity(mapOf(identityIds(blue)))).toEqual(blue);
  });

  it.each(['iface-id', 'iface-id-ver', 'sandbox'])('is none without %s', (key) => {
    const rest = Object.fromEntries(Object.entries(ids).filter(([name]) => name !== key));
    expect(rowIdentity(mapOf(rest))).toBeUndefined();
  });

  it.each(['ifaceId', 'uid', 'sandboxId', 'nadKey'] as const)('is another when %s differs', (field) => {
    expect(isSameIdentity(identity, { ...identity })).toBe(true);
    expect(isSameIdentity(identity, { ...identity, [field]: 'x' })).toBe(false);
  });
});

describe('whose a port is', () => {
  it.each([
    [mark, mark, true, false],
    [mark, undefined, true, false],
    [undefined, mark, true, false],
    [undefined, undefined, false, false],
    ['agent-1', 'agent-1', false, true],
    ['agent-2/pods', undefined, false, true],
    [mark, 'agent-2/pods', false, true],
    ['agent-2/pods', mark, false, true],
    ['', '', false, true],
  ])('by the marks %j and %j', (ofPort, ofInterface, isOwn, isOthers) => {
    expect(pluggedPort(markedPort(ofPort, ofInterface), mark)).toMatchObject({ isOwn, isOthers });
  });

  it('depends on who asks, although what was read is kept with the row', () => {
    const port = markedPort(mark, mark);
    expect(pluggedPort(port, mark)?.isOwn).toBe(true);
    expect(pluggedPort(port, 'agent-2/pods')?.isOwn).toBe(false);
    expect(pluggedPort(port, mark)).toBe(pluggedPort(port, mark));
  });
});

describe("a port as a pod's", () => {
  it('is none without identity, unless it is own: then what is missing is empty', () => {
    const main = { type: '', externalIds: mapOf({ 'iface-id': 'ns_a' }) };
    expect(pluggedPort(portRow('x', 'br-int', {}, main), mark)).toBeUndefined();
    const own = pluggedPort(portRow('x', 'br-int', { externalIds: mapOf({ [ownerKey]: mark }) }, main), mark);
    expect(own?.identity).toEqual({ ifaceId: 'ns_a', uid: '', sandboxId: '', nadKey: 'default' });
  });

  it('is none when it is a bond, unless it is own', () => {
    const bonded = (port: ObservedPort) => ({ ...port, interfaces: [...port.interfaces, interfaceRow('eth9')] });
    expect(pluggedPort(bonded(podPort('pf0vf1', identity, { owner: undefined })), mark)).toBeUndefined();
    expect(pluggedPort(bonded(podPort('pf0vf1', identity)), mark)).toMatchObject({ isOwn: true, isAlone: false });
  });

  it('is none without an interface of its name', () => {
    const port = { ...podPort('pf0vf1', identity), name: 'other' };
    expect(pluggedPort(port, mark)).toBeUndefined();
  });

  it('is known by the key of its attachment', () => {
    const blue = identityOf('a', { nadKey: 'ns/blue' });
    expect(pluggedPort(podPort('pf0vf1', blue), mark)?.key).toBe('u-a|ns/blue');
  });
});

describe('standing for an attachment', () => {
  const standing = (owner: string | undefined, fields: Parameters<typeof identityOf>[1] = {}): boolean => {
    const present = pluggedPort(podPort('pf0vf1', identityOf('a', fields), { owner }), mark);
    return present !== undefined && standsFor(present, identity);
  };

  it("takes the very same identity, in own rows and in nobody's", () => {
    expect([standing(mark), standing(undefined)]).toEqual([true, true]);
  });

  it.each([{ ifaceId: 'x' }, { uid: 'x' }, { sandboxId: 'x' }, { nadKey: 'ns/x' }])(
    'is denied for another %o',
    (other) => {
      expect([standing(mark, other), standing(undefined, other)]).toEqual([false, false]);
    },
  );

  it("is denied to rows with somebody else's mark", () => {
    expect([standing('agent-1'), standing('agent-2/pods')]).toEqual([false, false]);
  });

  it.each([
    ['sandbox', true],
    ['iface-id', false],
    ['iface-id-ver', false],
  ])('survives a wiped %s in own rows: %j', (key, survives) => {
    const port = podPort('pf0vf1', identity);
    const interfaces = port.interfaces.map((entry) => {
      return { ...entry, externalIds: new Map([...entry.externalIds].filter(([name]) => name !== key)) };
    });
    const present = pluggedPort({ ...port, interfaces }, mark);
    expect(present !== undefined && standsFor(present, identity)).toBe(survives);
  });
});
