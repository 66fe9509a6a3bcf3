import { describe, expect, it } from 'vitest';
import { observeRows, type RowSource } from '../../src/adapters/observe-rows.js';

const empty = new Map<string, string>();
const root = { _uuid: 'root', cur_cfg: 3n, next_cfg: 4n, external_ids: empty, ovs_version: '3.1.0' };
const bridge = {
  _uuid: 'b1',
  name: 'br0',
  ports: ['p1', 'p2', 'gone'],
  datapath_type: '',
  fail_mode: 'secure',
  protocols: [],
  other_config: empty,
  external_ids: empty,
};
const port = (uuid: string, name: string) => ({
  _uuid: uuid,
  name,
  interfaces: [`i-${name}`],
  tag: 5n,
  trunks: [1n, 2n],
  vlan_mode: undefined,
  other_config: empty,
  external_ids: empty,
});
const netdev = (name: string) => ({
  _uuid: `i-${name}`,
  name,
  type: 'system',
  options: empty,
  ofport: 7n,
  external_ids: empty,
});

function source(rows: {
  readonly root?: object;
  readonly ports?: readonly object[];
  readonly interfaces?: readonly object[];
  readonly qos?: readonly object[];
}): RowSource {
  const byUuid = (list: readonly object[] | undefined) => (uuid: string) =>
    (list ?? []).find((row) => (row as { _uuid: string })._uuid === uuid) as never;
  return {
    root: () => rows.root as never,
    bridges: () => [bridge] as never,
    port: byUuid(rows.ports),
    interface: byUuid(rows.interfaces),
    qos: () => (rows.qos ?? []) as never,
  };
}

describe('the rows of the database as the planner sees them', () => {
  const whole = { root, ports: [port('p1', 'eth1'), port('p2', 'eth2')], interfaces: [netdev('eth1'), netdev('eth2')] };

  it('are undefined while the database was never initialised', () => {
    expect(observeRows(source({}))).toBeUndefined();
  });

  it('are keyed by name, with numbers small and the two names of a system device made one', () => {
    const seen = observeRows(source(whole));
    expect(seen?.root).toMatchObject({ curCfg: 3, nextCfg: 4, datapathTypes: [], isDocaInitialized: false });
    expect([...(seen?.ports.keys() ?? [])]).toEqual(['eth1', 'eth2']);
    const first = seen?.ports.get('eth1');
    expect(first).toMatchObject({ bridge: 'br0', tag: 5, trunks: [1, 2] });
    expect(first?.interfaces).toMatchObject([{ type: '', ofport: 7 }]);
  });

  it('have the versions and settings of Open vSwitch, where the schema has the columns', () => {
    const rows = {
      ...root,
      other_config: new Map([['hw-offload', 'true']]),
      dpdk_version: 'none',
      doca_version: '3.1',
    };
    const seen = observeRows(source({ root: rows }))?.root;
    expect(seen).toMatchObject({ dpdkVersion: undefined, docaVersion: '3.1', isRestoreAwaited: false });
    expect(seen?.otherConfig.get('hw-offload')).toBe('true');
    expect(observeRows(source(whole))?.root).toMatchObject({ otherConfig: empty, docaVersion: undefined });
  });

  it('are the very same objects while the rows are, and new ones when an interface of the port is new', () => {
    const before = observeRows(source(whole));
    const same = observeRows(source(whole));
    expect(same?.ports.get('eth1')).toBe(before?.ports.get('eth1'));
    const after = observeRows(
      source({ ...whole, interfaces: [{ ...netdev('eth1'), ofport: 9n }, whole.interfaces[1]!] }),
    );
    expect(after?.ports.get('eth1')?.interfaces[0]?.ofport).toBe(9);
    expect(after?.ports.get('eth2')).toBe(before?.ports.get('eth2'));
  });

  it('have what the supervisor of offload looks at', () => {
    const rows = {
      root: { ...root, statistics: new Map([['memory', '1,2']]), doca_initialized: false },
      ports: [port('p1', 'eth1')],
      interfaces: [{ ...netdev('eth1'), link_resets: 3n, other_config: new Map([['lacp-actor', 'x']]) }],
    };
    const seen = observeRows(source(rows));
    expect(seen?.root).toMatchObject({ statistics: rows.root.statistics, initColumns: { dpdk: false, doca: true } });
    expect(seen?.ports.get('eth1')?.interfaces).toMatchObject([
      { linkResets: 3, otherConfig: new Map([['lacp-actor', 'x']]) },
    ]);
    expect(seen?.bridges.get('br0')?.hasSflow).toBe(false);
    const sampled = { ...source(rows), bridges: () => [{ ...bridge, sflow: 's1' }] as never };
    expect(observeRows(sampled)?.bridges.get('br0')?.hasSflow).toBe(true);
  });

  it('tell the limits of a port, and keep of table QoS what bears a mark', () => {
    const limited = { ...netdev('eth1'), ingress_policing_rate: 1000n, ingress_policing_burst: 100n };
    const marked = {
      _uuid: 'q1',
      type: 'linux-htb',
      other_config: empty,
      external_ids: new Map([['dpu-agent-owner', 'x']]),
    };
    const rows = {
      root,
      ports: [
        { ...port('p1', 'eth1'), qos: 'q1' },
        { ...port('p2', 'eth2'), qos: 'q2' },
      ],
      interfaces: [limited, netdev('eth2')],
      qos: [marked, { ...marked, _uuid: 'q2', external_ids: new Map([['sandbox', 'x']]) }],
    };
    const seen = observeRows(source(rows));
    expect(seen?.ports.get('eth1')).toMatchObject({
      qos: 'q1',
      interfaces: [{ policingRate: 1000, policingBurst: 100 }],
    });
    expect(seen?.ports.get('eth2')).toMatchObject({ qos: 'q2', interfaces: [{ policingRate: 0, policingBurst: 0 }] });
    expect([...(seen?.qos.values() ?? [])]).toEqual([
      { uuid: 'q1', type: 'linux-htb', otherConfig: empty, externalIds: marked.external_ids },
    ]);
    expect(observeRows(source(rows))?.qos.get('q1')).toBe(seen?.qos.get('q1'));
  });

  it('bear a schema that lacks columns', () => {
    const bare = { _uuid: 'p1', name: 'eth1', interfaces: ['i-eth1'] };
    const seen = observeRows(
      source({ root: { _uuid: 'root' }, ports: [bare], interfaces: [{ _uuid: 'i-eth1', name: 'eth1' }] }),
    );
    expect(seen?.root).toMatchObject({
      curCfg: 0,
      nextCfg: 0,
      statistics: empty,
      initColumns: { dpdk: false, doca: false },
    });
    const made = seen?.ports.get('eth1');
    expect(made).toMatchObject({ tag: undefined, trunks: [], externalIds: empty, otherConfig: empty });
    expect(made?.interfaces).toMatchObject([
      { type: '', options: empty, mtuRequest: undefined, linkResets: 0, otherConfig: empty },
    ]);
  });
});
