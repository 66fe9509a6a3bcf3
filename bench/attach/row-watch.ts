/**
 * Watches the interfaces of a switch over a bare connection to its database, with nothing of the agent's client in it, and
 * notes when each was first seen, got its OpenFlow number, and went.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Waiters } from '../waiters.js';

/** A set of none or one is an empty list or the value itself (RFC 7047 section 5.1). */
interface InterfaceRow {
  readonly name: string;
  readonly ofport: number | readonly unknown[];
  readonly external_ids: readonly [string, readonly (readonly [string, string])[]];
}

interface RowUpdate {
  readonly old?: Partial<InterfaceRow>;
  readonly new?: InterfaceRow;
}

interface Counters {
  readonly cur_cfg: number;
  readonly next_cfg: number;
}

interface Updates {
  readonly Interface?: Readonly<Record<string, RowUpdate>>;
  readonly Open_vSwitch?: Readonly<Record<string, { readonly new?: Counters }>>;
}

interface Message {
  readonly id: unknown;
  readonly method?: string;
  readonly params?: readonly unknown[];
  readonly result?: unknown;
}

/** When things were seen of an interface, by `performance.now()`. */
export interface RowTimes {
  rowMs: number;
  ofportMs: number | undefined;
  installedMs: number | undefined;
}

const [quote, backslash, open, close] = [0x22, 0x5c, 0x7b, 0x7d];

/** Cuts a stream of JSON objects, which nothing separates (RFC 7047 section 4), by their brackets. */
class Cutter {
  #parts: Buffer[] = [];
  #depth = 0;
  #isText = false;
  #isEscaped = false;

  *cut(chunk: Buffer): Generator<string> {
    let from = 0;
    for (let index = 0; index < chunk.length; index += 1) {
      if (!this.#isEnd(chunk[index] ?? 0)) continue;
      this.#parts.push(chunk.subarray(from, index + 1));
      from = index + 1;
      yield Buffer.concat(this.#parts.splice(0)).toString();
    }
    if (from < chunk.length) this.#parts.push(chunk.subarray(from));
  }

  #isEnd(byte: number): boolean {
    if (this.#isText) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === backslash) this.#isEscaped = true;
      else if (byte === quote) this.#isText = false;
      return false;
    }
    if (byte === quote) this.#isText = true;
    else if (byte === open) this.#depth += 1;
    else if (byte === close) this.#depth -= 1;
    return byte === close && this.#depth === 0;
  }
}

export class RowWatch implements Disposable {
  /** By name, of the interfaces that are there now. */
  readonly rows = new Map<string, RowTimes>();
  /** Whether vswitchd has carried out everything that it was asked for (ovs-vswitchd.conf.db(5), `cur_cfg`). */
  isSettled = false;
  readonly waiters = new Waiters('in the database');
  readonly #socket: Socket;
  #isRead = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const cutter = new Cutter();
    socket.on('data', (chunk) => {
      for (const text of cutter.cut(chunk)) this.#take(JSON.parse(text) as Message);
      this.waiters.look();
    });
  }

  static async open(path: string): Promise<RowWatch> {
    const socket = connect(path);
    await once(socket, 'connect');
    const watch = new RowWatch(socket);
    const tables = {
      Interface: { columns: ['name', 'ofport', 'external_ids'] },
      Open_vSwitch: { columns: ['cur_cfg', 'next_cfg'] },
    };
    watch.#send({ id: 'rows', method: 'monitor', params: ['Open_vSwitch', null, tables] });
    await watch.waiters.until(() => watch.#isRead, 'the first reading');
    return watch;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    this.#socket.write(JSON.stringify(message));
  }

  #take({ id, method, params, result }: Message): void {
    if (method === 'echo') this.#send({ id, result: params, error: null });
    else if (method === 'update') this.#note(params?.[1] ?? {});
    else if (id === 'rows') {
      this.#note(result ?? {});
      this.#isRead = true;
    }
  }

  #note({ Interface: updates = {}, Open_vSwitch: counters = {} }: Updates): void {
    const nowMs = performance.now();
    for (const { new: row } of Object.values(counters)) this.isSettled = row?.cur_cfg === row?.next_cfg;
    for (const update of Object.values(updates)) {
      if (update.new === undefined) this.rows.delete(update.old?.name ?? '');
      else this.#see(update.new, nowMs);
    }
  }

  #see(row: InterfaceRow, nowMs: number): void {
    const times = this.rows.get(row.name) ?? { rowMs: nowMs, ofportMs: undefined, installedMs: undefined };
    if (typeof row.ofport === 'number' && row.ofport > 0) times.ofportMs ??= nowMs;
    if (row.external_ids[1].some(([key, value]) => key === 'ovn-installed' && value === 'true')) {
      times.installedMs ??= nowMs;
    }
    this.rows.set(row.name, times);
  }
}
