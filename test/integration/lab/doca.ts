/**
 * The other side of OVS-DOCA, where there is none: a stock ovs-vswitchd on a schema that has the columns of builds with DOCA,
 * and a hand that writes into them what such a build writes of itself. The stock daemon leaves columns alone that it does not
 * know. It does know dpdk_initialized, datapath_types and iface_types, and writes its own truth into them whenever it
 * reconfigures (discover_types and dpdk_status of Open vSwitch's bridge.c), so the hand watches them and writes again.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { eventually } from './daemon.js';
import type { OvsLab } from './ovs.js';

const stockSchema = '/usr/share/openvswitch/vswitch.ovsschema';
/** What the columns look like in the schema of OVS-DOCA 3.3. */
const docaColumns = {
  doca_initialized: { type: 'boolean' },
  doca_version: { type: { key: { type: 'string' }, min: 0, max: 1 } },
};
/** Its version. */
const docaSchemaVersion = '8.5.1';

interface SchemaJson {
  version: string;
  cksum?: string;
  readonly tables: Readonly<Record<string, { readonly columns: Record<string, unknown> }>>;
}

/** Writes the schema into `dir` and returns its path. */
export async function writeDocaSchema(dir: string): Promise<string> {
  const schema = JSON.parse(await readFile(stockSchema, 'utf8')) as SchemaJson;
  Object.assign(schema.tables['Open_vSwitch']?.columns ?? {}, docaColumns);
  schema.version = docaSchemaVersion;
  delete schema.cksum;
  const file = join(dir, 'doca.ovsschema');
  await writeFile(file, JSON.stringify(schema));
  return file;
}

/** What a build with DOCA says of itself. */
interface Truth {
  readonly isDpdk: boolean;
  readonly isDoca: boolean;
}

/** Interface and datapath types that such a build adds once it is initialised. */
const ifaceTypes: Readonly<Record<keyof Truth, readonly string[]>> = {
  isDpdk: ['dpdk', 'dpdkvhostuserclient'],
  isDoca: ['doca', 'docavdpa'],
};

type Row = Readonly<Record<string, unknown>>;

/** A set column of a raw row: a set of one is its bare member on the wire (RFC 7047 section 5.1). */
function setOf(value: unknown): readonly string[] {
  return Array.isArray(value) && value[0] === 'set' ? (value[1] as readonly string[]) : [String(value)];
}

export class DocaHand implements AsyncDisposable {
  readonly #lab: OvsLab;
  #truth: Truth = { isDpdk: false, isDoca: false };
  #socket: Socket | undefined;
  #look: Promise<unknown> = Promise.resolve();

  constructor(lab: OvsLab) {
    this.#lab = lab;
  }

  /** Begins to watch; to be called once ovsdb-server runs. */
  watch(): void {
    const columns = ['dpdk_initialized', 'iface_types', 'datapath_types'];
    const request = { id: 0, method: 'monitor', params: ['Open_vSwitch', null, { Open_vSwitch: { columns } }] };
    const socket = connect(this.#lab.socket);
    socket.on('error', () => socket.destroy());
    // Whatever comes is a reason to look; what it says is read from the database.
    socket.on('data', () => this.#trigger());
    socket.write(JSON.stringify(request));
    this.#socket = socket;
  }

  /**
   * Starts ovs-vswitchd, and says what a build with DOCA would say after it: initialised exactly where other_config asked for
   * it at that time. What is asked for later waits for the next start, as it does with the real one.
   * @param fails initialisation does not succeed (dpdk-init=try, doca-init without the hardware)
   */
  async startVswitchd({ fails = false } = {}): Promise<void> {
    await this.#lab.startVswitchd();
    const [row] = await this.#select(['other_config']);
    const [, pairs] = row?.['other_config'] as [string, readonly (readonly [string, string])[]];
    const stored = new Map(pairs);
    const isDoca = !fails && stored.get('doca-init') === 'true';
    // NVIDIA's build initialises DPDK with DOCA.
    const isDpdk = !fails && (isDoca || ['true', 'try'].includes(stored.get('dpdk-init') ?? ''));
    await this.say({ isDpdk, isDoca });
  }

  /** Says it at once and from now on. */
  async say(truth: Truth): Promise<void> {
    this.#truth = truth;
    await this.#update({
      doca_initialized: truth.isDoca,
      doca_version: truth.isDoca ? '3.3.0109' : ['set', []],
      dpdk_version: truth.isDpdk ? 'DPDK 25.11.0+doca2601' : 'none',
    });
    this.#trigger();
    await this.told();
  }

  /** Waits until the database says it, after something that made ovs-vswitchd write its own truth. */
  async told(): Promise<void> {
    await eventually(() => this.#isTold(), 'the columns say what they are to say');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.destroy();
    await this.#look;
  }

  #trigger(): void {
    // The database may be on its way down: who waits for the columns sees that.
    this.#look = this.#look.then(() => this.#correct()).catch(String);
  }

  async #correct(): Promise<void> {
    if (this.#socket?.destroyed !== false || (await this.#isTold())) return;
    const { isDpdk, isDoca } = this.#truth;
    const all = [...ifaceTypes.isDpdk, ...ifaceTypes.isDoca];
    const wanted = [...(isDpdk ? ifaceTypes.isDpdk : []), ...(isDoca ? ifaceTypes.isDoca : [])];
    const mutations = [
      ['iface_types', 'delete', ['set', all]],
      ['iface_types', 'insert', ['set', wanted]],
      // Such a build has it before it is initialised, too.
      ['datapath_types', 'insert', ['set', ['doca']]],
    ];
    await this.#update({ dpdk_initialized: isDpdk }, mutations);
  }

  async #isTold(): Promise<boolean> {
    const [row] = await this.#select(['dpdk_initialized', 'iface_types', 'datapath_types']);
    if (row === undefined) return false;
    const types = setOf(row['iface_types']);
    const { isDpdk, isDoca } = this.#truth;
    return (
      row['dpdk_initialized'] === isDpdk &&
      types.includes('dpdk') === isDpdk &&
      types.includes('doca') === isDoca &&
      setOf(row['datapath_types']).includes('doca')
    );
  }

  async #select(columns: readonly string[]): Promise<readonly Row[]> {
    const select = { op: 'select', table: 'Open_vSwitch', where: [], columns };
    const [result] = (await this.#lab.rawCall('transact', ['Open_vSwitch', select])) as [{ rows: readonly Row[] }];
    return result.rows;
  }

  async #update(row: Row, mutations: readonly unknown[] = []): Promise<void> {
    const table = { table: 'Open_vSwitch', where: [] };
    const operations = [
      { op: 'update', ...table, row },
      { op: 'mutate', ...table, mutations },
    ];
    const results = (await this.#lab.rawCall('transact', ['Open_vSwitch', ...operations])) as readonly Row[];
    // Nothing follows the operation that failed.
    const failed = results.find((result) => 'error' in result);
    if (failed !== undefined) throw new Error(`the database refuses it: ${JSON.stringify(failed)}`);
  }
}
