/**
 * The store of the attachments on a private Open vSwitch, without the loop that uses it. Witnesses of what it wrote are
 * ovs-vsctl and the log of the database.
 */

import { monitoredColumns, OvsdbStore } from '../../../src/adapters/ovsdb-store.js';
import type { ApplyResult } from '../../../src/agent/ports.js';
import type { AttachAction, AttachedRows } from '../../../src/attach/attach-action.js';
import type { OpenVswitchDatabase } from '../../../src/gen/open-vswitch.js';
import type { ObservedPort } from '../../../src/model/observed.js';
import { OvsdbClient } from '../../../src/ovsdb/index.js';
import { attachOf, rowEdit } from '../../fakes/attach-actions.js';
import { Rig } from '../agent/rig.js';
import { eventually } from '../lab/daemon.js';
import type { OvsLab } from '../lab/ovs.js';

export const mark = { 'dpu-agent-owner': 'me/pods' };
const guardKeys = ['dpu-agent-owner', 'iface-id', 'iface-id-ver'];

export class AttachLab implements AsyncDisposable {
  readonly rig: Rig;
  readonly store: OvsdbStore;
  readonly #client: OvsdbClient<OpenVswitchDatabase>;

  private constructor(rig: Rig) {
    this.rig = rig;
    this.#client = new OvsdbClient<OpenVswitchDatabase>({
      endpoints: [`unix:${rig.lab.socket}`],
      database: 'Open_vSwitch',
      monitor: Object.fromEntries(Object.entries(monitoredColumns).map(([table, columns]) => [table, { columns }])),
    });
    this.store = new OvsdbStore(this.#client, 10_000, undefined);
  }

  /** With the bridge br-int of datapath type `netdev`. */
  static async start(options: { readonly vswitchd: boolean }): Promise<AttachLab> {
    const lab = new AttachLab(await Rig.start(options));
    await lab.vsctl('add-br', 'br-int', '--', 'set', 'Bridge', 'br-int', 'datapath_type=netdev');
    lab.#client.start();
    await eventually(() => lab.store.snapshot()?.bridges.get('br-int'), 'the bridge is seen');
    return lab;
  }

  get ovs(): OvsLab {
    return this.rig.lab;
  }

  /** ovs-vsctl; `lines` are separated by `--`. */
  async vsctl(...args: readonly string[]): Promise<string> {
    return (await this.ovs.vsctl(...args)).trim();
  }

  get bridgeUuid(): string {
    return this.store.snapshot()?.bridges.get('br-int')?.uuid ?? '';
  }

  apply(...actions: readonly AttachAction[]): Promise<ApplyResult> {
    return this.store.applyAttach(actions, 'test', AbortSignal.timeout(20_000));
  }

  /** The action that attaches a representor; `limit` in bit/s makes it one with a row of table QoS. */
  attaching(name: string, limit?: number): AttachAction {
    const ids = { ...mark, 'iface-id': `ns_${name}`, 'iface-id-ver': `uid-${name}`, sandbox: 's1' };
    return attachOf(name, this.bridgeUuid, {
      datapathType: 'netdev',
      portRow: rowEdit({}, { other_config: { transient: 'true' }, external_ids: mark }),
      interfaceRow: rowEdit({ mtu_request: 1400 }, { external_ids: ids }),
      qos:
        limit === undefined
          ? undefined
          : rowEdit({ type: 'linux-htb' }, { other_config: { 'max-rate': String(limit) }, external_ids: mark }),
    });
  }

  /** The port as the store sees it, once it satisfies `test`. */
  port(name: string, test: (port: ObservedPort) => boolean = () => true): Promise<ObservedPort> {
    return eventually(() => {
      const port = this.store.snapshot()?.ports.get(name);
      return port !== undefined && test(port) ? port : undefined;
    }, `${name} is as wanted`);
  }

  async rowsOf(name: string): Promise<AttachedRows> {
    const port = await this.port(name);
    const [entry] = port.interfaces;
    if (entry === undefined) throw new Error('a port without an interface');
    const guard = new Map([...entry.externalIds].filter(([key]) => guardKeys.includes(key)));
    return { portUuid: port.uuid, interfaceUuid: entry.uuid, guard };
  }

  /** Uuids of all rows of a table, by ovs-vsctl. */
  async uuids(table: string): Promise<readonly string[]> {
    const text = await this.vsctl('--bare', '--columns=_uuid', 'list', table);
    return text.split('\n').filter((line) => line !== '');
  }

  async nextCfg(): Promise<number> {
    return Number(await this.vsctl('get', 'Open_vSwitch', '.', 'next_cfg'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    await this.rig[Symbol.asyncDispose]();
  }
}
