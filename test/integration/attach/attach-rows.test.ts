/** The rows of attachments in a real database: what is written, what is guarded, what survives, what is left over. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttachAction } from '../../../src/attach/attach-action.js';
import { detachOf, editOf, repairOf, rowEdit } from '../../fakes/attach-actions.js';
import { AttachLab, mark } from './attach-lab.js';

const limitEdit = editOf({ setKeys: { other_config: { 'max-rate': '2000000' } } });
/** Gives a port a limit that bears no mark. */
const limitingBare = (port: string): string[] =>
  `set Port ${port} qos=@q -- --id=@q create QoS type=linux-htb`.split(' ');

describe('the rows of an attachment, beside a running vswitchd', () => {
  let lab: AttachLab;
  beforeAll(async () => {
    lab = await AttachLab.start({ vswitchd: true });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  it('are made in one transaction, which vswitchd carries out', async () => {
    const before = await lab.rig.writes();
    const result = await lab.apply(lab.attaching('rep0-1', 1_000_000));
    expect(result.kind).toBe('applied');
    expect(await lab.rig.writes()).toBe(before + 1);
    const { nextCfg } = result as { nextCfg: number };
    await expect.poll(() => lab.store.snapshot()?.root.curCfg).toBeGreaterThanOrEqual(nextCfg);
    const port = await lab.port('rep0-1', ({ interfaces }) => (interfaces[0]?.ofport ?? -1) > 0);
    expect(port).toMatchObject({ bridge: 'br-int', interfaces: [{ mtuRequest: 1400, error: undefined }] });
    expect(await lab.vsctl('get', 'Interface', 'rep0-1', 'external_ids:iface-id')).toBe('ns_rep0-1');
    expect(await lab.vsctl('get', 'Port', 'rep0-1', 'other_config:transient', 'external_ids:dpu-agent-owner')).toBe(
      '"true"\n"me/pods"',
    );
    const qos = await lab.vsctl('get', 'Port', 'rep0-1', 'qos');
    expect(await lab.vsctl('get', 'QoS', qos, 'type', 'other_config:max-rate')).toBe('linux-htb\n"1000000"');
    expect(lab.store.snapshot()?.qos.get(qos)).toMatchObject({ uuid: port.qos, type: 'linux-htb' });
  });

  it('are repaired without a word to vswitchd where only notes differ, and keep what others wrote', async () => {
    await lab.vsctl(
      ...['set', 'Interface', 'rep0-1', 'external_ids:ovn-installed=true', 'external_ids:ovn-installed-ts=7', '--'],
      ...['set', 'Interface', 'rep0-1', 'external_ids:theirs=a', 'external_ids:stale=b', '--'],
      ...['set', 'Port', 'rep0-1', 'other_config:theirs=c', 'external_ids:theirs=d'],
    );
    const nextCfg = await lab.nextCfg();
    const rows = await lab.rowsOf('rep0-1');
    const interfaceEdit = editOf({
      setKeys: { external_ids: { sandbox: 's2', ip_addresses: '10.0.0.1/24' } },
      deleteKeys: { external_ids: ['stale'] },
    });
    const noted = await lab.apply(repairOf('rep0-1', rows, { interfaceEdit }));
    expect(noted).toEqual({ kind: 'applied', nextCfg: undefined });
    expect(await lab.nextCfg()).toBe(nextCfg);
    const changed = await lab.apply(
      repairOf('rep0-1', rows, {
        portEdit: editOf({ setKeys: { other_config: { transient: 'true' } }, set: { tag: 5 } }),
        interfaceEdit: editOf({ set: { mtu_request: 1300, ingress_policing_rate: 9000, ingress_policing_burst: 900 } }),
      }),
    );
    expect(changed).toEqual({ kind: 'applied', nextCfg: nextCfg + 1 });
    const port = await lab.port('rep0-1', ({ tag }) => tag === 5);
    expect(Object.fromEntries(port.interfaces[0]?.externalIds ?? [])).toEqual({
      ...mark,
      ...{ 'iface-id': 'ns_rep0-1', 'iface-id-ver': 'uid-rep0-1', sandbox: 's2', ip_addresses: '10.0.0.1/24' },
      ...{ 'ovn-installed': 'true', 'ovn-installed-ts': '7', theirs: 'a' },
    });
    expect(port.interfaces[0]).toMatchObject({ mtuRequest: 1300, policingRate: 9000, policingBurst: 900 });
    expect(Object.fromEntries(port.otherConfig)).toEqual({ transient: 'true', theirs: 'c' });
    expect(Object.fromEntries(port.externalIds)).toEqual({ ...mark, theirs: 'd' });
  });

  it('follow a change of the limit, and lose it without leaving a row behind', async () => {
    const rows = await lab.rowsOf('rep0-1');
    const qos = (await lab.port('rep0-1')).qos ?? '';
    await lab.vsctl('set', 'QoS', qos, 'other_config:theirs=e', 'external_ids:theirs=f');
    const edited = await lab.apply(repairOf('rep0-1', rows, { qos: { kind: 'edit', uuid: qos, edit: limitEdit } }));
    expect(edited.kind).toBe('applied');
    expect(await lab.vsctl('get', 'QoS', qos, 'other_config')).toBe('{max-rate="2000000", theirs=e}');
    expect(await lab.vsctl('get', 'QoS', qos, 'external_ids:theirs')).toBe('f');
    const deleted = await lab.apply(repairOf('rep0-1', rows, { qos: { kind: 'delete', uuid: qos } }));
    expect(deleted.kind).toBe('applied');
    expect(await lab.vsctl('get', 'Port', 'rep0-1', 'qos')).toBe('[]');
    expect(await lab.uuids('QoS')).toEqual([]);
    const row = rowEdit({ type: 'linux-htb' }, { other_config: { 'max-rate': '5' }, external_ids: mark });
    expect((await lab.apply(repairOf('rep0-1', rows, { qos: { kind: 'create', row } }))).kind).toBe('applied');
    expect(await lab.uuids('QoS')).toEqual([await lab.vsctl('get', 'Port', 'rep0-1', 'qos')]);
  });

  it('go all together, the limit too, and nothing of others goes with them', async () => {
    await lab.vsctl('add-port', 'br-int', 'theirs', '--', ...limitingBare('theirs'));
    const rows = await lab.rowsOf('rep0-1');
    const { qos } = await lab.port('rep0-1');
    expect(qos).toBeDefined();
    expect((await lab.apply(detachOf('rep0-1', lab.bridgeUuid, rows, qos))).kind).toBe('applied');
    expect(await lab.vsctl('list-ports', 'br-int')).toBe('theirs');
    expect(await lab.uuids('QoS')).toEqual([await lab.vsctl('get', 'Port', 'theirs', 'qos')]);
    expect((await lab.vsctl('--bare', '--columns=name', 'list', 'Interface')).split(/\s+/).sort()).toEqual([
      'br-int',
      'theirs',
    ]);
    await lab.vsctl('del-port', 'theirs');
    await lab.vsctl('--all', 'destroy', 'QoS');
  });

  it('of 200 attachments are made and removed by one transaction each, and one round of vswitchd', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `rep0-${index}`);
    const [writes, nextCfg] = [await lab.rig.writes(), await lab.nextCfg()];
    expect(await lab.apply(...names.map((name) => lab.attaching(name, 1000)))).toEqual({
      kind: 'applied',
      nextCfg: nextCfg + 1,
    });
    expect((await lab.vsctl('list-ports', 'br-int')).split('\n')).toHaveLength(200);
    expect(await lab.uuids('QoS')).toHaveLength(200);
    const removals: AttachAction[] = [];
    for (const name of names) {
      const port = await lab.port(name, ({ interfaces }) => (interfaces[0]?.ofport ?? -1) > 0);
      removals.push(detachOf(name, lab.bridgeUuid, await lab.rowsOf(name), port.qos));
    }
    expect(await lab.apply(...removals)).toMatchObject({ kind: 'applied' });
    expect(await lab.vsctl('list-ports', 'br-int')).toBe('');
    expect(await lab.uuids('QoS')).toEqual([]);
    expect(await lab.rig.writes()).toBe(writes + 2);
  });
});

/** What may be done behind the agent's back between its look and its transaction. */
const theft = ['set', 'Interface', 'rep0-1', 'external_ids:iface-id=other'];
const reincarnation = ['set', 'Interface', 'rep0-1', 'external_ids:iface-id-ver=other'];
const unmarking = ['remove', 'Interface', 'rep0-1', 'external_ids', 'dpu-agent-owner'];
const remaking = [
  ...['del-port', 'rep0-1', '--', 'add-port', 'br-int', 'rep0-1', '--', 'set', 'Interface', 'rep0-1'],
  ...[
    'external_ids:iface-id=ns_rep0-1',
    'external_ids:iface-id-ver=uid-rep0-1',
    'external_ids:dpu-agent-owner=me/pods',
  ],
];
const moving = ['remove', 'Bridge', 'br-int', 'ports', 'PORT', '--', 'add', 'Bridge', 'br-other', 'ports', 'PORT'];
const bonding = ['add', 'Port', 'rep0-1', 'interfaces', '@i', '--', '--id=@i', 'create', 'Interface', 'name=rep0-9'];
const regrouping = [...bonding, '--', 'remove', 'Port', 'rep0-1', 'interfaces', 'INTERFACE'];
const unlimiting = ['clear', 'Port', 'rep0-1', 'qos'];
const unmarkingLimit = ['remove', 'QoS', 'QOS', 'external_ids', 'dpu-agent-owner'];

describe('the guards of attachments, each violated between the look and the transaction', () => {
  let lab: AttachLab;
  /** Of rep0-1, as seen before anything happens. */
  let seen: { readonly rows: Awaited<ReturnType<AttachLab['rowsOf']>>; readonly qos: string; readonly bridge: string };
  beforeAll(async () => {
    lab = await AttachLab.start({ vswitchd: false });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  async function setUp(): Promise<void> {
    await lab.vsctl('--if-exists', 'del-br', 'br-int', '--', '--if-exists', 'del-br', 'br-other');
    await lab.vsctl('--all', 'destroy', 'QoS');
    await lab.vsctl(
      'add-br',
      'br-int',
      '--',
      'set',
      'Bridge',
      'br-int',
      'datapath_type=netdev',
      '--',
      'add-br',
      'br-other',
    );
    const uuid = await lab.vsctl('get', 'Bridge', 'br-int', '_uuid');
    await expect.poll(() => lab.bridgeUuid).toBe(uuid);
    expect((await lab.apply(lab.attaching('rep0-1', 1000))).kind).toBe('applied');
    const { qos = '' } = await lab.port('rep0-1');
    seen = { rows: await lab.rowsOf('rep0-1'), qos, bridge: uuid };
  }

  /** Applies the action after ovs-vsctl did `deed`; nothing may have been written. */
  async function expectNothing(action: () => AttachAction, deed: readonly string[]): Promise<void> {
    await setUp();
    const stale = action();
    const places: Record<string, string> = {
      PORT: seen.rows.portUuid,
      INTERFACE: seen.rows.interfaceUuid,
      QOS: seen.qos,
    };
    await lab.vsctl(...deed.map((word) => places[word] ?? word));
    const [writes, nextCfg] = [await lab.rig.writes(), await lab.nextCfg()];
    // With a healthy attachment in the same transaction: it must not be written either.
    const result = await lab.apply(lab.attaching('rep0-5'), stale);
    expect(result).toMatchObject({
      kind: 'conflict',
      object: { kind: 'port', name: stale.kind === 'dropQos' ? stale.uuid : stale.port },
      message: expect.stringContaining('port ') as unknown,
    });
    expect([await lab.rig.writes(), await lab.nextCfg()]).toEqual([writes, nextCfg]);
    expect((await lab.vsctl('--bare', '--columns=name', 'list', 'Port')).split(/\s+/)).not.toContain('rep0-5');
  }

  it.each([
    ['the bridge got another datapath type', ['set', 'Bridge', 'br-other', 'datapath_type=system']],
    ['the bridge was deleted', ['del-br', 'br-other']],
    ['a port got the name', ['add-port', 'br-int', 'rep0-7']],
    ['an interface of another port got the name', ['add-bond', 'br-int', 'bond0', 'rep0-7', 'rep0-8']],
  ])('stop an attachment when %s', async (_case, deed) => {
    const action = (): AttachAction => {
      const bridgeUuid = lab.store.snapshot()?.bridges.get('br-other')?.uuid ?? '';
      return { ...lab.attaching('rep0-7'), bridgeUuid, datapathType: '' } as AttachAction;
    };
    await expectNothing(action, deed);
  });

  it.each([
    ['the identity was changed', theft],
    ['it is another incarnation of the pod', reincarnation],
    ['the mark was taken away', unmarking],
    ['the port was made again', remaking],
    ['the interface is in another port', regrouping],
    ['the port was deleted', ['del-port', 'rep0-1']],
  ])('stop a repair and a removal when %s', async (_case, deed) => {
    const portEdit = editOf({ set: { tag: 5 } });
    await expectNothing(() => repairOf('rep0-1', seen.rows, { portEdit }), deed);
    await expectNothing(() => detachOf('rep0-1', seen.bridge, seen.rows, seen.qos), deed);
  });

  it('stop a removal when the port is on another bridge', async () => {
    await expectNothing(() => detachOf('rep0-1', seen.bridge, seen.rows, undefined), moving);
  });

  it.each([
    ['the port refers to it no more', unlimiting],
    ['the mark of the limit was taken away', unmarkingLimit],
  ])('stop a change and a removal of a limit when %s', async (_case, deed) => {
    const edit = limitEdit;
    await expectNothing(() => repairOf('rep0-1', seen.rows, { qos: { kind: 'edit', uuid: seen.qos, edit } }), deed);
    await expectNothing(() => repairOf('rep0-1', seen.rows, { qos: { kind: 'delete', uuid: seen.qos } }), deed);
    await expectNothing(() => detachOf('rep0-1', seen.bridge, seen.rows, seen.qos), deed);
  });

  it('stop a new limit when the port has got one of somebody else', async () => {
    const row = rowEdit({ type: 'linux-htb' }, { external_ids: mark });
    const create = (): AttachAction => repairOf('rep0-1', seen.rows, { qos: { kind: 'create', row } });
    await expectNothing(create, limitingBare('rep0-1'));
  });

  const dropping = (): AttachAction => {
    const base = { key: 'k', port: 'rep0-1', label: 'ns/a default', differences: [] };
    return { ...base, kind: 'dropQos', uuid: seen.qos, owner: mark['dpu-agent-owner'] };
  };

  it.each([
    ['a port refers to it', [...unlimiting, '--', 'add', 'Port', 'br-other', 'qos', 'QOS']],
    ['the mark was taken away', [...unlimiting, '--', ...unmarkingLimit]],
    ['it is gone', [...unlimiting, '--', 'destroy', 'QoS', 'QOS']],
  ])('stop the removal of a leftover limit when %s', async (_case, deed) => {
    await expectNothing(dropping, deed);
  });

  it('let a leftover limit be removed, and vswitchd sleep', async () => {
    await setUp();
    await lab.vsctl(...unlimiting);
    expect(await lab.apply(dropping())).toEqual({ kind: 'applied', nextCfg: undefined });
    expect(await lab.uuids('QoS')).toEqual([]);
  });

  it('do not mind what ovn-controller and others write meanwhile', async () => {
    await setUp();
    await lab.vsctl('set', 'Interface', 'rep0-1', 'external_ids:ovn-installed=true', 'external_ids:theirs=a');
    const interfaceEdit = editOf({ set: { mtu_request: 1300 } });
    expect((await lab.apply(repairOf('rep0-1', seen.rows, { interfaceEdit }))).kind).toBe('applied');
    expect(await lab.vsctl('get', 'Interface', 'rep0-1', 'external_ids:ovn-installed')).toBe('"true"');
    expect((await lab.apply(detachOf('rep0-1', seen.bridge, seen.rows, seen.qos))).kind).toBe('applied');
  });
});

describe('what the database refuses of attachments', () => {
  it('is laid at the door of the one that it belongs to', async () => {
    await using lab = await AttachLab.start({ vswitchd: false });
    const bad = { ...lab.attaching('rep0-2'), interfaceRow: rowEdit({ ofport_request: 65_279 }) } as AttachAction;
    const worse = { ...bad, port: 'rep0-3', interfaceRow: rowEdit({ ofport_request: 70_000 }) } as AttachAction;
    expect(await lab.apply(lab.attaching('rep0-1'), bad, worse)).toMatchObject({
      kind: 'refused',
      object: { kind: 'port', name: 'rep0-3' },
      message: expect.stringContaining('65279') as unknown,
    });
    expect(await lab.vsctl('list-ports', 'br-int')).toBe('');
  });
});
