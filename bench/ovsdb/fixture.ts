/**
 * The database that the benches read: one bridge with `count` ports as a DPU has them, and the columns that every peer
 * monitors. Filled over a bare socket, so that the client under test has no part in it.
 */
import { rawCall } from '../../test/integration/lab/raw-ovsdb.js';

/** What each peer monitors: what an agent needs, about 450 bytes of JSON per port. */
export const chosenColumns = {
  Open_vSwitch: ['bridges', 'external_ids', 'other_config', 'next_cfg', 'cur_cfg', 'ovs_version'],
  Bridge: ['name', 'ports', 'external_ids', 'other_config', 'datapath_type', 'fail_mode'],
  Port: ['name', 'interfaces', 'external_ids', 'tag'],
  Interface: ['name', 'type', 'ofport', 'external_ids', 'options', 'error', 'mtu_request', 'link_state'],
} as const;

const portsPerTransaction = 2500;

export async function fillDatabase(socket: string, count: number): Promise<void> {
  await transact(socket, [
    { op: 'insert', table: 'Bridge', row: { name: 'br-int' }, 'uuid-name': 'br' },
    mutate('Open_vSwitch', 'bridges', ['named-uuid', 'br']),
  ]);
  for (let first = 0; first < count; first += portsPerTransaction) {
    const length = Math.min(portsPerTransaction, count - first);
    await transact(socket, Array.from({ length }, (_unused, index) => addPort(first + index)).flat());
  }
}

async function transact(socket: string, operations: readonly object[]): Promise<void> {
  const results = (await rawCall(socket, 'transact', ['Open_vSwitch', ...operations])) as (object | null)[];
  const failed = results.find((result) => result === null || 'error' in result);
  if (failed !== undefined) throw new Error(`the database was not filled: ${JSON.stringify(results.at(-1))}`);
}

function mutate(table: string, column: string, reference: readonly string[]): object {
  return { op: 'mutate', table, where: [], mutations: [[column, 'insert', ['set', [reference]]]] };
}

/** The operations that add one port; all of one bridge, named "br-int". */
export function addPort(index: number): readonly object[] {
  const name = `pf0vf${index}`;
  const hex = index.toString(16).padStart(8, '0');
  const ids = [
    ['attached_mac', `0a:58:${hex.match(/../g)?.join(':') ?? ''}`],
    ['iface-id', `namespace-${index % 97}_deployment-${hex}`],
    ['iface-id-ver', `${hex}-aaaa-4bbb-8ccc-0123456789ab`],
    ['ip_addresses', `10.128.${index >> 8}.${index & 255}/23`],
    ['sandbox', `${hex}${hex}${hex}${hex}`],
    ['vf-netdev-name', name],
  ];
  return [
    { op: 'insert', table: 'Interface', 'uuid-name': `i${index}`, row: { name, external_ids: ['map', ids] } },
    { op: 'insert', table: 'Port', 'uuid-name': `p${index}`, row: { name, interfaces: ['named-uuid', `i${index}`] } },
    { ...mutate('Bridge', 'ports', ['named-uuid', `p${index}`]), where: [['name', '==', 'br-int']] },
  ];
}
