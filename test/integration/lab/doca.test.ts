/** The schema of OVS-DOCA under a stock ovs-vswitchd, and who writes which of its columns. ovsdb-client is the witness. */
import { describe, expect, it } from 'vitest';
import { DocaHand, writeDocaSchema } from './doca.js';
import { makeLabDir, OvsLab, removeLabDir, runTool } from './ovs.js';

async function startLab(): Promise<OvsLab> {
  const dir = await makeLabDir();
  try {
    const lab = await OvsLab.start({ schema: await writeDocaSchema(dir) });
    await lab.vsctl('--no-wait', 'init');
    return lab;
  } finally {
    await removeLabDir(dir);
  }
}

interface Columns {
  readonly dpdk: unknown;
  readonly doca: unknown;
  readonly types: readonly string[];
  readonly datapaths: readonly string[];
}

/** What the database says, by the tool of Open vSwitch; its ovs-vsctl does not know the columns of DOCA. */
async function columnsOf(lab: OvsLab): Promise<Columns> {
  const columns = ['dpdk_initialized', 'doca_initialized', 'iface_types', 'datapath_types'];
  const select = { op: 'select', table: 'Open_vSwitch', where: [], columns };
  const question = JSON.stringify(['Open_vSwitch', select]);
  const text = await runTool(lab.env, 'ovsdb-client', ['transact', `unix:${lab.socket}`, question]);
  const [{ rows }] = JSON.parse(text) as [{ rows: [Record<string, unknown>] }];
  const setOf = (value: unknown): readonly string[] => (value as [string, string[]])[1];
  const { dpdk_initialized, doca_initialized, iface_types, datapath_types } = rows[0];
  return {
    dpdk: dpdk_initialized,
    doca: doca_initialized,
    types: setOf(iface_types),
    datapaths: setOf(datapath_types),
  };
}

describe('a stock ovs-vswitchd on a schema with the columns of DOCA', () => {
  it('starts, says the truth about what it knows, and leaves doca_initialized alone', async () => {
    await using lab = await startLab();
    await lab.startVswitchd();
    expect(await columnsOf(lab)).toMatchObject({ dpdk: false, doca: false });
    await lab.rawCall('transact', [
      'Open_vSwitch',
      { op: 'update', table: 'Open_vSwitch', where: [], row: { dpdk_initialized: true, doca_initialized: true } },
    ]);
    // It reconfigures, and waits for that.
    await lab.vsctl('add-br', 'br0', '--', 'set', 'Bridge', 'br0', 'datapath_type=netdev');
    expect(await columnsOf(lab)).toMatchObject({ dpdk: false, doca: true });
    await lab.killVswitchd();
    await lab.startVswitchd();
    expect(await columnsOf(lab)).toMatchObject({ dpdk: false, doca: true });
  });

  it('plays one with DOCA, with a hand that says what such a one says, through configurations and restarts', async () => {
    await using lab = await startLab();
    await using hand = new DocaHand(lab);
    hand.watch();
    await hand.startVswitchd();
    expect(await columnsOf(lab)).toMatchObject({ dpdk: false, doca: false });

    await lab.vsctl('set', 'Open_vSwitch', '.', 'other_config:doca-init=true');
    // Nothing happens before the next start.
    expect(await columnsOf(lab)).toMatchObject({ dpdk: false, doca: false });
    await lab.killVswitchd('SIGTERM');
    await hand.startVswitchd();
    const initialised = await columnsOf(lab);
    expect(initialised).toMatchObject({ dpdk: true, doca: true });
    expect(initialised.types).toEqual(expect.arrayContaining(['doca', 'dpdk', 'patch', 'vxlan']));
    expect(initialised.datapaths).toEqual(expect.arrayContaining(['doca', 'netdev']));

    await lab.vsctl('add-br', 'br0', '--', 'set', 'Bridge', 'br0', 'datapath_type=netdev');
    await hand.told();
    expect(await columnsOf(lab)).toEqual(initialised);

    await lab.killVswitchd();
    await hand.startVswitchd({ fails: true });
    const regressed = await columnsOf(lab);
    expect(regressed).toMatchObject({ dpdk: false, doca: false });
    expect(regressed.types).not.toContain('doca');
    expect(regressed.datapaths).toContain('doca');
  });
});
