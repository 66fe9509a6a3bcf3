import { describe, expect, it } from 'vitest';
import type { WantedAttachment } from '../../src/attach/attachment.js';
import { diffRows } from '../../src/attach/desired-rows.js';
import { pluggedPort } from '../../src/attach/row-identity.js';
import type { ObservedPort, ObservedQos } from '../../src/model/observed.js';
import { managedKeysKey, ownerKey } from '../../src/model/ownership.js';
import type { RowEdit } from '../../src/plan/action.js';
import { isEmptyEdit } from '../../src/plan/row-diff.js';
import { identityIds, identityOf, mark, podOf, vfOf } from '../fakes/attach-inputs.js';
import { interfaceRow, mapOf, portRow } from '../fakes/plan-rows.js';

const identity = identityOf('a');
const request = { key: 'u-a|default', pod: podOf('a'), nadKey: 'default', pf: 0, vf: 1, identity };

function wantedOf(fields: Partial<WantedAttachment> = {}): WantedAttachment {
  return {
    request,
    netdev: vfOf(1),
    type: '',
    mtu: 1400,
    mac: '0a:58:0a:00:00:05',
    externalIds: mapOf(identityIds(identity)),
    policing: { rateKbps: 0, burstKb: 0 },
    maxRateBps: undefined,
    ...fields,
  };
}

/** An edit as one object. */
const shown = ({ set, setKeys, deleteKeys }: RowEdit) => ({
  set: Object.fromEntries(set),
  setKeys: Object.fromEntries([...setKeys].map(([column, map]) => [column, Object.fromEntries(map)])),
  deleteKeys: Object.fromEntries(deleteKeys),
});

/** The rows after the diff for a new attachment was applied. */
function rowsOf(wanted: WantedAttachment): { port: ObservedPort; qos: ObservedQos | undefined } {
  const diffs = diffRows(wanted, undefined, undefined, mark);
  const map = (edit: RowEdit | undefined, column: string) => edit?.setKeys.get(column) ?? new Map<string, string>();
  const numberOf = (column: string) => Number(diffs.interface.edit.set.get(column) ?? 0);
  const main = interfaceRow('pf0vf1', {
    type: String(diffs.interface.edit.set.get('type') ?? ''),
    mtuRequest: diffs.interface.edit.set.has('mtu_request') ? numberOf('mtu_request') : undefined,
    policingRate: numberOf('ingress_policing_rate'),
    policingBurst: numberOf('ingress_policing_burst'),
    externalIds: map(diffs.interface.edit, 'external_ids'),
  });
  const [otherConfig, externalIds] = [map(diffs.port.edit, 'other_config'), map(diffs.port.edit, 'external_ids')];
  const port = portRow('pf0vf1', 'br-int', { otherConfig, externalIds, interfaces: [main] });
  if (diffs.qos === undefined) return { port, qos: undefined };
  const { edit } = diffs.qos;
  const type = String(edit.set.get('type'));
  return {
    port,
    qos: { uuid: 'q', type, otherConfig: map(edit, 'other_config'), externalIds: map(edit, 'external_ids') },
  };
}

function diffOf(wanted: WantedAttachment, port: ObservedPort, qos?: ObservedQos) {
  const plugged = pluggedPort(port, mark);
  if (plugged === undefined) throw new Error('no port of a pod');
  return diffRows(wanted, plugged, qos, mark);
}

describe('new rows', () => {
  it('hold the columns of DPU mode, the mark, and nothing that a new row holds anyway', () => {
    const { port, interface: main, qos } = diffRows(wantedOf(), undefined, undefined, mark);
    const note = ['iface-id', 'iface-id-ver', 'sandbox'].map((key) => `external_ids:${key}`);
    expect(shown(port.edit)).toEqual({
      set: {},
      setKeys: {
        other_config: { transient: 'true' },
        external_ids: { [ownerKey]: mark, [managedKeysKey]: '["other_config:transient"]' },
      },
      deleteKeys: {},
    });
    expect(shown(main.edit)).toEqual({
      set: {},
      setKeys: { external_ids: { ...identityIds(identity), [ownerKey]: mark, [managedKeysKey]: JSON.stringify(note) } },
      deleteKeys: {},
    });
    expect(qos).toBeUndefined();
  });

  it('hold the MTU only where DPDK drives the device', () => {
    const { edit } = diffRows(wantedOf({ type: 'dpdk' }), undefined, undefined, mark).interface;
    expect(shown(edit).set).toEqual({ type: 'dpdk', mtu_request: 1400 });
  });

  it('hold the limits both ways', () => {
    const wanted = wantedOf({ policing: { rateKbps: 4000, burstKb: 400 }, maxRateBps: 10_000_000 });
    const diffs = diffRows(wanted, undefined, undefined, mark);
    expect(shown(diffs.interface.edit).set).toEqual({ ingress_policing_rate: 4000, ingress_policing_burst: 400 });
    expect(diffs.qos === undefined ? undefined : shown(diffs.qos.edit)).toMatchObject({
      set: { type: 'linux-htb' },
      setKeys: { other_config: { 'max-rate': '10000000' }, external_ids: { sandbox: 's1', [ownerKey]: mark } },
    });
  });
});

describe('rows that are there', () => {
  it.each([
    ['plain', wantedOf()],
    ['DPDK', wantedOf({ type: 'dpdk' })],
    ['limited', wantedOf({ policing: { rateKbps: 4000, burstKb: 400 }, maxRateBps: 7000 })],
  ])('and are as wanted need no change: %s', (_what, wanted) => {
    const { port, qos } = rowsOf(wanted);
    const diffs = diffOf(wanted, port, qos);
    for (const diff of [diffs.port, diffs.interface, ...(diffs.qos === undefined ? [] : [diffs.qos])]) {
      expect([diff.differences, isEmptyEdit(diff.edit)]).toEqual([[], true]);
    }
  });

  it('lose a former limit: both columns are written as 0', () => {
    const { port } = rowsOf(wantedOf({ policing: { rateKbps: 4000, burstKb: 400 } }));
    const { edit } = diffOf(wantedOf(), port).interface;
    expect(shown(edit)).toEqual({
      set: { ingress_policing_rate: 0, ingress_policing_burst: 0 },
      setKeys: {},
      deleteKeys: {},
    });
  });

  it('lose the MTU request with the type that needed it', () => {
    const { port } = rowsOf(wantedOf({ type: 'dpdk' }));
    expect(shown(diffOf(wantedOf(), port).interface.edit).set).toEqual({ type: '', mtu_request: undefined });
  });

  it('lose keys that the agent wrote and wants no more, and no others', () => {
    const encap = mapOf({ ...identityIds(identity), 'encap-ip': '10.0.0.1' });
    const { port } = rowsOf(wantedOf({ externalIds: encap }));
    const theirs = { 'ovn-installed': 'true', 'ovn-installed-ts': '7', 'k8s.ovn.org/network': 'x', theirs: 'y' };
    const interfaces = port.interfaces.map((entry) => ({
      ...entry,
      externalIds: new Map([...entry.externalIds, ...Object.entries(theirs)]),
    }));
    const { edit } = diffOf(wantedOf(), { ...port, interfaces }).interface;
    expect(shown(edit)).toMatchObject({ set: {}, deleteKeys: { external_ids: ['encap-ip'] } });
    expect(Object.keys(shown(edit).setKeys['external_ids'] ?? {})).toEqual([managedKeysKey]);
  });

  it("of the default network lose the keys of another only when they were the agent's", () => {
    const nad = { 'k8s.ovn.org/network': 'n', 'k8s.ovn.org/nad': 'default' };
    const foreign = rowsOf(wantedOf()).port;
    const withNad = (port: ObservedPort): ObservedPort => ({
      ...port,
      interfaces: port.interfaces.map((entry) => {
        return { ...entry, externalIds: new Map([...entry.externalIds, ...Object.entries(nad)]) };
      }),
    });
    expect(isEmptyEdit(diffOf(wantedOf(), withNad(foreign)).interface.edit)).toBe(true);
    const own = rowsOf(wantedOf({ externalIds: mapOf({ ...identityIds(identity), ...nad }) })).port;
    expect(shown(diffOf(wantedOf(), own).interface.edit).deleteKeys).toEqual({
      external_ids: ['k8s.ovn.org/nad', 'k8s.ovn.org/network'],
    });
  });

  it('keep the other settings of a limit, and get another rate in place', () => {
    const { port, qos } = rowsOf(wantedOf({ maxRateBps: 7000 }));
    if (qos === undefined) throw new Error('no limit');
    const theirs = { ...qos, otherConfig: mapOf({ ...Object.fromEntries(qos.otherConfig), burst: '9' }) };
    const diff = diffOf(wantedOf({ maxRateBps: 8000 }), port, theirs).qos;
    expect(diff === undefined ? undefined : shown(diff.edit)).toEqual({
      set: {},
      setKeys: { other_config: { 'max-rate': '8000' } },
      deleteKeys: {},
    });
  });

  it('are compared anew when another thing is wanted of them, or their limit is another row', () => {
    const limited = wantedOf({ maxRateBps: 7000 });
    const { port, qos } = rowsOf(limited);
    if (qos === undefined) throw new Error('no limit');
    const isDone = (wanted: WantedAttachment, limit: ObservedQos) => {
      const diffs = diffOf(wanted, port, limit);
      return [diffs.port, diffs.interface, diffs.qos].every((diff) => diff === undefined || isEmptyEdit(diff.edit));
    };
    const others: Partial<WantedAttachment>[] = [
      { type: 'dpdk' },
      { policing: { rateKbps: 1, burstKb: 13 } },
      { policing: { rateKbps: 0, burstKb: 13 } },
      { maxRateBps: 8000 },
      { externalIds: mapOf({ ...identityIds(identity), 'encap-ip': '10.0.0.1' }) },
      { externalIds: mapOf({ ...identityIds(identity), 'iface-id': 'x' }) },
    ];
    for (const other of others) {
      expect([isDone(limited, qos), isDone({ ...limited, ...other }, qos), isDone(limited, qos)]).toEqual([
        true,
        false,
        true,
      ]);
    }
    expect(isDone(limited, { ...qos, otherConfig: new Map() })).toBe(false);
  });
});
