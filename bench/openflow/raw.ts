/**
 * The limit: the bytes of the same messages, made beforehand, written to the socket as they are, and nothing done with what
 * comes back but look for the end. What a client adds to this is its own cost.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import type { FlowMod } from '../../src/openflow/index.js';
import { encodeBundleAdd, encodeBundleControl } from '../../src/openflow/wire/bundles.js';
import { ByteWriter } from '../../src/openflow/wire/byte-writer.js';
import { encodeChange } from '../../src/openflow/wire/change.js';
import { encodeFlowFilter } from '../../src/openflow/wire/flow-stats.js';
import { Framer } from '../../src/openflow/wire/framer.js';
import { encodeMultipartRequest, multipartType } from '../../src/openflow/wire/multipart.js';
import { encodeHello } from '../../src/openflow/wire/session-messages.js';

const version = 6;
const lastXid = 0x7fff_ffff;

export class RawSession {
  readonly #socket: Socket;
  #isEnd: (message: Uint8Array) => boolean = () => false;
  #done: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const framer = new Framer((message) => {
      if (this.#isEnd(message)) this.#done();
    });
    socket.on('data', (chunk) => framer.push(chunk));
  }

  static async open(path: string): Promise<RawSession> {
    const socket = connect({ path });
    await once(socket, 'connect');
    const session = new RawSession(socket);
    await session.#exchange(hello(), (message) => message[1] === 0);
    return session;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Milliseconds from the first byte to the answer of the commit. */
  async install(bytes: Uint8Array): Promise<number> {
    return this.#exchange(bytes, (message) => message[1] === 34 - 1 && xidOf(message) === lastXid);
  }

  /** Milliseconds of a dump whose flows nobody looks at. */
  async dump(table: number): Promise<number> {
    const writer = new ByteWriter();
    encodeMultipartRequest(writer, version, lastXid, multipartType.flow, () =>
      encodeFlowFilter(writer, version, { table }),
    );
    return this.#exchange(writer.take(), (message) => message[1] === 19 && (message[11]! & 1) === 0);
  }

  async #exchange(bytes: Uint8Array, isEnd: (message: Uint8Array) => boolean): Promise<number> {
    const start = performance.now();
    const done = new Promise<void>((resolve) => (this.#done = resolve));
    this.#isEnd = isEnd;
    this.#socket.write(bytes);
    await done;
    return performance.now() - start;
  }
}

function xidOf(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset).getUint32(4);
}

function hello(): Uint8Array {
  const writer = new ByteWriter();
  encodeHello(writer, 1, [version]);
  return writer.take();
}

/** One bundle around the messages, from its opening to its commit, as bytes. */
export function bundleBytes(mods: readonly FlowMod[]): Uint8Array {
  const writer = new ByteWriter(mods.length * 192);
  encodeBundleControl(writer, version, 2, 1, 'open');
  mods.forEach((mod, index) => {
    const xid = index + 3;
    encodeBundleAdd(writer, version, xid, 1, () => encodeChange(writer, version, xid, mod));
  });
  encodeBundleControl(writer, version, lastXid, 1, 'commit');
  return writer.take();
}
