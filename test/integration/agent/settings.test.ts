/**
 * Settings of ovs-vswitchd written through the store to a real ovsdb-server, and what the store tells of columns that only the
 * supervisor of offload reads. Witness is ovs-vsctl.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InterfaceCounters } from '../../../src/adapters/interface-counters.js';
import { monitoredColumns, OvsdbStore } from '../../../src/adapters/ovsdb-store.js';
import type { ApplyResult } from '../../../src/agent/ports.js';
import type { OpenVswitchDatabase } from '../../../src/gen/open-vswitch.js';
import { systemClock } from '../../../src/lib/clock.js';
import { OvsdbClient } from '../../../src/ovsdb/index.js';
import { eventually } from '../lab/daemon.js';
import { OvsLab } from '../lab/ovs.js';

const lock = 'dpu_agent_test';

interface Edit {
  readonly key: string;
  readonly from: string | undefined;
  readonly to: string;
}

describe('settings of a real database', () => {
  let lab: OvsLab;
  const clients: OvsdbClient<OpenVswitchDatabase>[] = [];

  /** A store that wants the writer's lock, once it has read the database. */
  async function openStore(): Promise<OvsdbStore> {
    const client = new OvsdbClient<OpenVswitchDatabase>({
      endpoints: [`unix:${lab.socket}`],
      database: 'Open_vSwitch',
      monitor: Object.fromEntries(Object.entries(monitoredColumns).map(([table, columns]) => [table, { columns }])),
      clock: systemClock,
      random: Math.random,
    });
    clients.push(client);
    client.lock(lock);
    client.start();
    const store = new OvsdbStore(client, 10_000, lock);
    await eventually(() => store.snapshot(), 'the database is read');
    if (clients.length === 1) await eventually(() => store.isWriter(), 'the first has the lock');
    return store;
  }

  const apply = (store: OvsdbStore, ...edits: readonly Edit[]): Promise<ApplyResult> =>
    store.applySettings(edits, 'offload: declared settings', AbortSignal.timeout(20_000));

  const otherConfig = async (): Promise<string> => (await lab.vsctl('get', 'Open_vSwitch', '.', 'other_config')).trim();
  const nextCfg = async (): Promise<number> => Number(await lab.vsctl('get', 'Open_vSwitch', '.', 'next_cfg'));
  const set = (pair: string): Promise<string> =>
    lab.vsctl('--no-wait', 'set', 'Open_vSwitch', '.', `other_config:${pair}`);

  beforeEach(async () => {
    lab = await OvsLab.start();
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await lab.stop();
  });

  it('are written in one transaction, and no other key is touched', async () => {
    await set('max-idle=10000');
    await set('foreign="a b"');
    const store = await openStore();
    const before = await nextCfg();
    const result = await apply(
      store,
      { key: 'tc-policy', from: undefined, to: 'skip_sw' },
      { key: 'max-idle', from: '10000', to: '30000' },
      { key: 'hw-offload', from: undefined, to: 'true' },
    );
    expect(result.kind).toBe('applied');
    expect(await otherConfig()).toBe('{foreign="a b", hw-offload="true", max-idle="30000", tc-policy=skip_sw}');
    expect(await nextCfg()).toBe(before + 1);
    await eventually(() => store.snapshot()?.root.nextCfg === before + 1, 'the store sees what it wrote');
  });

  it('are left as they are when somebody changed, removed or made one of them meanwhile', async () => {
    await set('max-idle=10000');
    await set('flow-limit=1');
    const store = await openStore();
    const before = await nextCfg();
    const fresh = { key: 'flow-limit', from: '1', to: '2' };
    await set('max-idle=20000');
    const changed = await apply(store, fresh, { key: 'max-idle', from: '10000', to: '30000' });
    expect(changed).toMatchObject({ kind: 'conflict', object: { kind: 'setting', name: 'max-idle' } });
    await lab.vsctl('--no-wait', 'remove', 'Open_vSwitch', '.', 'other_config', 'max-idle');
    const removed = await apply(store, fresh, { key: 'max-idle', from: '20000', to: '30000' });
    expect(removed).toMatchObject({ kind: 'conflict', object: { kind: 'setting', name: 'max-idle' } });
    await set('hw-offload=false');
    const made = await apply(store, fresh, { key: 'hw-offload', from: undefined, to: 'true' });
    expect(made).toMatchObject({ kind: 'conflict', object: { kind: 'setting', name: 'hw-offload' } });
    expect(await otherConfig()).toBe('{flow-limit="1", hw-offload="false"}');
    expect(await nextCfg()).toBe(before);
    // Who looks again can write.
    expect((await apply(store, fresh, { key: 'hw-offload', from: 'false', to: 'true' })).kind).toBe('applied');
    expect(await otherConfig()).toBe('{flow-limit="2", hw-offload="true"}');
  });

  it('may have got the value already from somebody else', async () => {
    const store = await openStore();
    await set('hw-offload=true');
    expect((await apply(store, { key: 'hw-offload', from: undefined, to: 'true' })).kind).toBe('applied');
    expect(await otherConfig()).toBe('{hw-offload="true"}');
  });

  it('are not written by one of two agents that does not hold the lock', async () => {
    const first = await openStore();
    const second = await openStore();
    expect(second.isWriter()).toBe(false);
    const edit = { key: 'max-idle', from: undefined, to: '30000' };
    expect((await apply(second, edit)).kind).toBe('conflict');
    expect(await otherConfig()).toBe('{}');
    expect((await apply(first, edit)).kind).toBe('applied');
    expect(await otherConfig()).toBe('{max-idle="30000"}');
  });

  it('and what only the supervisor reads are seen without waking anybody', async () => {
    await lab.vsctl('--no-wait', 'add-br', 'br0', '--', 'set', 'Interface', 'br0', 'type=internal');
    const store = await openStore();
    let calls = 0;
    store.onChange(() => (calls += 1));
    const main = () => store.snapshot()?.ports.get('br0')?.interfaces[0];
    const silent = async (row: readonly string[], seen: () => boolean): Promise<void> => {
      const before = calls;
      await lab.vsctl('--no-wait', ...row);
      await eventually(seen, `${row.join(' ')} is seen`);
      expect(calls, row.join(' ')).toBe(before);
    };
    await silent(['set', 'Interface', 'br0', 'link_resets=7'], () => main()?.linkResets === 7);
    await silent(['set', 'Interface', 'br0', 'other_config:x=y'], () => main()?.otherConfig.get('x') === 'y');
    await silent(
      ['set', 'Open_vSwitch', '.', 'statistics:cpu=4'],
      () => store.snapshot()?.root.statistics.get('cpu') === '4',
    );
    await silent(
      ['--id=@s', 'create', 'sFlow', 'targets="127.0.0.1:6343"', '--', 'set', 'Bridge', 'br0', 'sflow=@s'],
      () => store.snapshot()?.bridges.get('br0')?.hasSflow === true,
    );
    // A row that changes in one of them and in something else is news.
    const before = calls;
    await lab.vsctl('--no-wait', 'set', 'Interface', 'br0', 'link_resets=8', 'link_state=down');
    await eventually(() => main()?.linkState === 'down', 'the link is seen to be down');
    expect(calls).toBeGreaterThan(before);
    expect(store.snapshot()?.root.initColumns).toEqual({ dpdk: true, doca: false });
  });

  it('and counters of interfaces are added up by name', async () => {
    await using counters = Object.assign(
      new InterfaceCounters({ endpoints: [`unix:${lab.socket}`], clock: systemClock, random: Math.random }),
      {
        [Symbol.asyncDispose](this: InterfaceCounters) {
          return this.close();
        },
      },
    );
    expect(counters.totals()).toBeUndefined();
    counters.start();
    await lab.vsctl('--no-wait', 'add-br', 'br0', '--', 'add-port', 'br0', 'p0', '--', 'add-port', 'br0', 'p1');
    const write = (name: string, ...pairs: readonly string[]): Promise<string> =>
      lab.vsctl('--no-wait', 'set', 'Interface', name, ...pairs.map((pair) => `statistics:${pair}`));
    await write('p0', 'rx_packets=5', 'tx_packets=7', 'ovs_tx_mtu_exceeded_drops=2');
    await write('p1', 'tx_packets=1');
    const told = await eventually(
      () => (counters.totals()?.packets.size === 2 ? counters.totals() : undefined),
      'both are counted',
    );
    expect(Object.fromEntries(told.packets)).toEqual({ p0: 12, p1: 1 });
    expect(Object.fromEntries(told.mtuDrops)).toEqual({ p0: 2 });
    expect(counters.totals()).toBe(told);
    await write('p0', 'rx_packets=6');
    const later = await eventually(
      () => (counters.totals()?.packets.get('p0') === 13 ? counters.totals() : undefined),
      'the next reading',
    );
    expect(later.atMs).toBeGreaterThanOrEqual(told.atMs ?? 0);
    // Who plugs a pod writes the same row, and counts nothing.
    const version = counters.version();
    await lab.vsctl('--no-wait', 'set', 'Interface', 'p0', 'external_ids:iface-id=b');
    await eventually(() => (counters.version() > version ? true : undefined), 'the other column is seen');
    expect(counters.totals()?.atMs).toBe(later.atMs);
    // Who keeps a reading keeps its figures.
    expect(told.packets.get('p0')).toBe(12);
  });
});
