import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { OpenFlowClient } from '../../src/openflow/client.js';
import type { OpenFlowClientOptions } from '../../src/openflow/client.js';
import { parseFlow } from '../../src/openflow/text/parse-flow.js';
import { messageType } from '../../src/openflow/wire/header.js';
import { OpenFlowPeer } from '../fakes/openflow-peer.js';
import type { PeerOptions } from '../fakes/openflow-peer.js';

class Stage implements AsyncDisposable {
  readonly peer: OpenFlowPeer;
  readonly client: OpenFlowClient;

  constructor(peer: OpenFlowPeer, options: Partial<OpenFlowClientOptions>) {
    this.peer = peer;
    const endpoint = { kind: 'unix', path: peer.path } as const;
    const timing = { backoff: { baseMs: 5, capMs: 20 } };
    this.client = new OpenFlowClient({ endpoint, timing, random: () => 0.5, ...options });
  }

  static async set(peer: PeerOptions, client: Partial<OpenFlowClientOptions> = {}): Promise<Stage> {
    const stage = new Stage(await OpenFlowPeer.start(peer), client);
    stage.client.start();
    return stage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.peer[Symbol.asyncDispose]();
  }
}

const drop = parseFlow('actions=drop');

describe('OpenFlowClient', () => {
  it('gets ready with a peer that sends byte by byte', async () => {
    await using stage = await Stage.set({ isDripping: true });
    await stage.client.ready();
    await stage.client.change(drop);
  });

  it('says why it cannot connect when no version is in common', async () => {
    await using stage = await Stage.set({ helloVersion: 1 });
    const [state] = await stateOf(stage.client, 'waiting');
    expect(state).toMatchObject({ error: { code: 'OPENFLOW_VERSION' } });
  });

  it('drops a connection whose messages cannot be followed, and connects again', async () => {
    await using stage = await Stage.set({ answer: (_message, peer) => peer.sendBytes(new Uint8Array(8)) });
    await stage.client.ready();
    await expect(stage.client.barrier()).rejects.toMatchObject({ code: 'PEER_PROTOCOL' });
    await stage.client.ready();
    expect(stage.peer.connections).toBeGreaterThan(1);
  });

  it('consumes an answer that comes after its deadline', async () => {
    let late: number | undefined;
    await using stage = await Stage.set({
      answer: (message, peer) => {
        if (message.type !== messageType.barrierRequest) return;
        if (late === undefined) {
          late = message.xid;
          return;
        }
        peer.send(messageType.barrierReply, late);
        peer.send(messageType.barrierReply, message.xid);
      },
    });
    await stage.client.ready();
    await expect(stage.client.barrier({ deadlineMs: 20 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await stage.client.barrier();
  });

  it('tells a call given up in flight from one that was never sent', async () => {
    await using stage = await Stage.set({ answer: () => undefined });
    await stage.client.ready();
    const giveUp = new AbortController();
    const inFlight = stage.client.barrier({ signal: giveUp.signal });
    giveUp.abort();
    await expect(inFlight).rejects.toMatchObject({ code: 'ABORTED_IN_FLIGHT' });
    await expect(stage.client.barrier({ signal: giveUp.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('sends no commit after an error for an added message, but a discard', async () => {
    await using stage = await Stage.set({
      answer: (message, peer) => {
        if (message.type === messageType.bundleAdd) peer.sendError(message.xid, 4, 6);
        peer.answerBarrier(message);
      },
    });
    await stage.client.ready();
    await expect(stage.client.bundle([drop])).rejects.toMatchObject({
      code: 'OPENFLOW_REFUSED',
      refusals: [{ index: 0, error: { name: 'OFPBMC_BAD_FIELD' } }],
    });
    await stage.client.barrier();
    const controls = stage.peer.seen.filter(({ type }) => type === messageType.bundleControl);
    expect(controls.map(({ bytes }) => bytes[13])).toEqual([0, 6]);
  });

  it('discards a bundle of which a message cannot be written, at once', async () => {
    await using stage = await Stage.set({});
    await stage.client.ready();
    const huge = { ...drop, instructions: { apply: [{ kind: 'note', bytes: new Uint8Array(65_502) }] } } as const;
    await expect(stage.client.bundle([drop, huge])).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await stage.client.barrier();
    const controls = stage.peer.seen.filter(({ type }) => type === messageType.bundleControl);
    expect(controls.at(-1)?.bytes[13]).toBe(6);
    expect(controls.some(({ bytes }) => bytes[13] === 4)).toBe(false);
  });

  it('drops a connection that sends a broken packet, and not the process', async () => {
    await using stage = await Stage.set({
      answer: (_message, peer) => peer.send(messageType.packetIn, 0, new Uint8Array(3)),
    });
    await stage.client.ready();
    await expect(stage.client.barrier()).rejects.toMatchObject({ code: 'PEER_PROTOCOL' });
  });

  it('leaves the outcome open when the answer to a commit does not come', async () => {
    await using stage = await Stage.set({
      answer: (message, peer) => {
        if (message.type === messageType.bundleControl && message.bytes[13] === 4) peer.hangUp();
        else peer.answerBarrier(message);
      },
    });
    await stage.client.ready();
    await expect(stage.client.bundle([drop])).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      isOutcomeUnknown: true,
    });
  });

  it('answers barriers through a flood of packets, of which it drops what nobody could handle', async () => {
    const packetIn = new Uint8Array(26);
    packetIn.set([0, 1, 0, 4], 16);
    await using stage = await Stage.set({
      answer: (message, peer) => {
        for (let count = 0; count < 5000; count += 1) peer.send(messageType.packetIn, 0, packetIn);
        peer.answerBarrier(message);
      },
    });
    await stage.client.ready();
    let packets = 0;
    stage.client.on('packetIn', () => (packets += 1));
    await stage.client.barrier();
    expect(packets).toBeLessThan(5000);
  });

  it('ends a monitor whose refusal comes with xid 0 and version 1', async () => {
    await using stage = await Stage.set({
      answer: (_message, peer) => peer.sendBytes(Uint8Array.of(1, 1, 0, 12, 0, 0, 0, 0, 0, 16, 0, 5)),
    });
    await stage.client.ready();
    await expect(stage.client.monitorFlows().next()).rejects.toMatchObject({
      code: 'OPENFLOW_REFUSED',
      refusals: [{ error: { name: 'OFPMOFC_BAD_FLAGS' } }],
    });
  });

  it('fails a dump that ends in the middle instead of calling it complete', async () => {
    await using stage = await Stage.set({
      answer: (message, peer) => {
        // An empty part that says that more follows, and then nothing more.
        peer.send(messageType.multipartReply, message.xid, Uint8Array.of(0, 1, 0, 1, 0, 0, 0, 0));
        peer.hangUp();
      },
    });
    await stage.client.ready();
    const dump = stage.client.dumpFlowParts();
    await expect(
      (async () => {
        for await (const _part of dump) continue;
      })(),
    ).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  it('probes a silent peer and hangs up when it does not answer', async () => {
    await using stage = await Stage.set(
      { answer: () => undefined },
      { timing: { probeMs: 20, backoff: { baseMs: 5, capMs: 20 } } },
    );
    await stage.client.ready();
    const [state] = await stateOf(stage.client, 'waiting');
    expect(state).toMatchObject({ error: { code: 'CONNECTION_LOST' } });
    expect(stage.peer.seen.some(({ type }) => type === messageType.echoRequest)).toBe(true);
  });

  it('refuses a message that cannot be encoded before anything is sent', async () => {
    await using stage = await Stage.set({});
    await stage.client.ready();
    const before = stage.peer.seen.length;
    const huge = { ...drop, instructions: { apply: [{ kind: 'note', bytes: new Uint8Array(65_502) }] } } as const;
    await expect(stage.client.changeAll([drop, huge])).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await stage.client.barrier();
    expect(stage.peer.seen.slice(before).map(({ type }) => type)).toEqual([messageType.barrierRequest]);
  });
});

/** The next state of this kind. */
async function stateOf(client: OpenFlowClient, kind: string): Promise<readonly unknown[]> {
  for (;;) {
    const args = (await once(client, 'state')) as readonly { readonly kind: string }[];
    if (args[0]?.kind === kind) return args;
  }
}
