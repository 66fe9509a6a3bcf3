/** Changes rows of the database at a steady pace: one key of one interface at a time, its value the time of the change. */
import { rawCall } from '../../test/integration/lab/raw-ovsdb.js';
import { BareSocket } from '../ovsdb/bare-socket.js';

/** The key that changes. */
export const changedKey = 'bench';

export class Changes {
  readonly #socket: BareSocket;
  readonly #uuids: readonly string[];
  #sent = 0;
  #answered = 0;

  private constructor(socket: BareSocket, uuids: readonly string[]) {
    this.#socket = socket;
    this.#uuids = uuids;
    socket.onMessage = () => (this.#answered += 1);
  }

  static async open(path: string): Promise<Changes> {
    const select = { op: 'select', table: 'Interface', where: [['type', '!=', 'internal']], columns: ['_uuid'] };
    const [found] = (await rawCall(path, 'transact', ['Open_vSwitch', select])) as [
      { rows: { _uuid: [string, string] }[] },
    ];
    const uuids = found.rows.map((row) => row._uuid[1]);
    return new Changes(await BareSocket.open(path), uuids);
  }

  get sent(): number {
    return this.#sent;
  }

  /** So many changes a second for so long; resolves when the last one is answered. */
  async run(perSecond: number, ms: number): Promise<void> {
    const startMs = performance.now();
    const count = Math.round((perSecond * ms) / 1000);
    for (let done = 0; done < count;) {
      // As many as are due: a timer that comes late does not make fewer changes.
      const due = Math.min(count, Math.ceil(((performance.now() - startMs) * perSecond) / 1000));
      for (; done < due; done += 1) this.#send();
      await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
    }
    while (this.#answered < this.#sent) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  close(): void {
    this.#socket.close();
  }

  #send(): void {
    const uuid = this.#uuids[this.#sent % this.#uuids.length];
    const mutations = [
      ['external_ids', 'delete', ['set', [changedKey]]],
      ['external_ids', 'insert', ['map', [[changedKey, String(performance.now())]]]],
    ];
    const operation = { op: 'mutate', table: 'Interface', where: [['_uuid', '==', ['uuid', uuid]]], mutations };
    this.#sent += 1;
    this.#socket.write(JSON.stringify({ id: this.#sent, method: 'transact', params: ['Open_vSwitch', operation] }));
  }
}
