import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OpenFlowSwitches } from '../../src/adapters/openflow-switches.js';
import { systemClock } from '../../src/lib/clock.js';
import { ByteWriter } from '../../src/openflow/wire/byte-writer.js';
import { messageType } from '../../src/openflow/wire/header.js';
import { ManualClock } from '../config/manual-clock.js';
import { settle } from '../fakes/agent-world.js';
import { MgmtPeer } from '../fakes/mgmt-peer.js';
import { OpenFlowPeer, type SeenMessage } from '../fakes/openflow-peer.js';
import { eventually } from '../integration/lab/daemon.js';
import { makeLabDir, removeLabDir } from '../integration/lab/ovs.js';

const flowMultipart = 1;
const monitorMultipart = 16;

/** Type of a multipart request; undefined for other messages. */
function multipartOf({ type, bytes }: SeenMessage): number | undefined {
  return type === messageType.multipartRequest ? new DataView(bytes.buffer, bytes.byteOffset).getUint16(8) : undefined;
}

const part = (type: number, write: (writer: ByteWriter) => void = () => undefined): Uint8Array => {
  const writer = new ByteWriter();
  writer.u16(type).zeros(6);
  write(writer);
  return writer.take();
};

interface Told {
  readonly event?: number;
  readonly table?: number;
  readonly priority: number;
  readonly cookie?: bigint;
}

const ownCookie = 0x5cda_0000_0101_0001n;

/** Changes of drop flows that match everything, as the flow monitor of OpenFlow 1.5 tells them. */
const told = (...events: readonly Told[]): Uint8Array =>
  part(monitorMultipart, (writer) => {
    for (const { event = 1, table = 0, priority, cookie = ownCookie } of events) {
      writer.u16(32).u16(event).u8(table).u8(0).u16(0).u16(0).u16(priority).zeros(4).u64(cookie);
      writer.u16(1).u16(4).zeros(4);
    }
  });
const stream = (kind: 'paused' | 'resumed'): Uint8Array =>
  part(monitorMultipart, (writer) =>
    writer
      .u16(8)
      .u16(kind === 'paused' ? 5 : 6)
      .zeros(4),
  );

class Stage implements AsyncDisposable {
  readonly switches: OpenFlowSwitches;
  readonly troubles: Error[] = [];
  readonly peer: OpenFlowPeer;
  changes = 0;
  readonly #bridge: string;

  private constructor(peer: OpenFlowPeer) {
    this.peer = peer;
    this.#bridge = basename(peer.path, '.mgmt');
    this.switches = new OpenFlowSwitches({
      runDir: dirname(peer.path),
      clock: systemClock,
      random: () => 0.5,
      onTrouble: (_bridge, error) => this.troubles.push(error),
    });
    this.switches.onChange(() => (this.changes += 1));
    this.switches.watch([this.#bridge]);
  }

  static async set(answer: (message: SeenMessage, peer: OpenFlowPeer) => void): Promise<Stage> {
    return new Stage(
      await OpenFlowPeer.start({
        answer: (message, peer) => {
          answer(message, peer);
          peer.answerBarrier(message);
        },
      }),
    );
  }

  /** Priorities of the flows that are known; undefined while none are. */
  get priorities(): readonly number[] | undefined {
    const flows = this.switches.snapshot().get(this.#bridge);
    return flows?.map(({ priority }) => priority).sort((a, b) => a - b);
  }

  until(priorities: readonly number[] | undefined): Promise<unknown> {
    const wanted = JSON.stringify(priorities);
    return eventually(
      () => JSON.stringify(this.priorities) === wanted,
      `the flows are ${priorities?.join() ?? 'not known'}`,
    );
  }

  dumps(): number {
    return this.peer.seen.filter((message) => multipartOf(message) === flowMultipart).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.switches.close();
    await this.peer[Symbol.asyncDispose]();
  }
}

/** Answers monitors and dumps; the switch has no flows but those that the monitor tells. */
const empty = (message: SeenMessage, peer: OpenFlowPeer): void => {
  const type = multipartOf(message);
  if (type !== undefined) peer.send(messageType.multipartReply, message.xid, part(type));
};

describe('OpenFlowSwitches', () => {
  it('reads the flows of a bridge although more changes stream in than may wait unread', async () => {
    const many = told(...Array.from({ length: 400 }, (_, index) => ({ priority: 90 + (index % 2) * 10 })));
    await using stage = await Stage.set((message, peer) => {
      if (multipartOf(message) === flowMultipart)
        for (let count = 0; count < 20; count += 1) peer.send(messageType.multipartReply, 0, many);
      empty(message, peer);
    });
    await stage.until([90, 100]);
    expect(stage.troubles).toEqual([]);
  });

  it('follows a bridge again whose connection was lost between a change and the end of the first reading', async () => {
    await using stage = await Stage.set((message, peer) => {
      if (multipartOf(message) !== flowMultipart || peer.connections > 1) {
        empty(message, peer);
        if (multipartOf(message) === flowMultipart) peer.send(messageType.multipartReply, 0, told({ priority: 100 }));
        return;
      }
      peer.send(messageType.multipartReply, 0, told({ priority: 90 }));
      setImmediate(() => peer.hangUp());
    });
    await stage.until([100]);
  });

  it('believes nothing between a pause of the monitor and the reading after it', async () => {
    await using stage = await Stage.set(empty);
    await stage.until([]);
    stage.peer.send(messageType.multipartReply, 0, told({ priority: 100 }));
    await stage.until([100]);
    stage.peer.send(messageType.multipartReply, 0, stream('paused'));
    await stage.until(undefined);
    expect(stage.dumps()).toBe(1);
    stage.peer.send(messageType.multipartReply, 0, stream('resumed'));
    await stage.until([]);
  });

  it('does not believe a reading that ends while the monitor is paused', async () => {
    await using stage = await Stage.set((message, peer) => {
      const isFirst = stage.dumps() === 1;
      if (multipartOf(message) === flowMultipart && isFirst) {
        peer.send(messageType.multipartReply, 0, stream('paused'));
        empty(message, peer);
        // Its answer says that all before was taken.
        peer.send(messageType.echoRequest, 77);
        return;
      }
      empty(message, peer);
    });
    const hasEcho = (): boolean =>
      stage.peer.seen.some(({ type, xid }) => type === messageType.echoReply && xid === 77);
    await eventually(hasEcho, 'the reading is over');
    expect(stage.priorities).toBeUndefined();
    expect(stage.changes).toBe(0);
    stage.peer.send(messageType.multipartReply, 0, stream('resumed'));
    await stage.until([]);
  });

  it('reads again and again where the switch offers no flow monitor, as Open vSwitch before 3.0', async () => {
    await using stage = await Stage.set((message, peer) => {
      if (multipartOf(message) === monitorMultipart) peer.sendError(message.xid, 1, 2);
      else empty(message, peer);
    });
    await stage.until([]);
    await eventually(() => stage.dumps() > 1, 'they are read again');
    expect(stage.priorities).toEqual([]);
    expect(stage.troubles).toHaveLength(1);
  });

  it('keeps of the flows of others only those that can be in the place of a chain', async () => {
    await using stage = await Stage.set(empty);
    await stage.until([]);
    const others = [100, 101].map((priority) => ({ priority, cookie: 7n }));
    stage.peer.send(messageType.multipartReply, 0, told(...others, { priority: 102 }));
    await stage.until([100, 102]);
  });
});

describe('a bridge whose switch comes back', () => {
  it('is dialled when its socket is made, however long the next try would be away', async () => {
    const dir = await makeLabDir();
    // A clock that stands still: no try is ever due again.
    const clock = new ManualClock();
    const switches = new OpenFlowSwitches({ runDir: dir, clock, random: () => 0.5, onTrouble: () => undefined });
    try {
      switches.watch(['br-sfc', 'br-hbn']);
      await settle();
      await using peer = await MgmtPeer.listen(join(dir, 'br-sfc.mgmt'), () => undefined);
      await eventually(() => peer.sockets.length > 0, 'it is dialled');
      switches.close();
    } finally {
      switches.close();
      await removeLabDir(dir);
    }
  });
});
