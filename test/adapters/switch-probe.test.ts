import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SwitchProbe, type ProbeTiming } from '../../src/adapters/switch-probe.js';
import { systemClock } from '../../src/lib/clock.js';
import { echoReply, MgmtPeer, plainHello } from '../fakes/mgmt-peer.js';
import { eventually } from '../integration/lab/daemon.js';

const timing: ProbeTiming = { intervalMs: 20, answerMs: 60, retry: { baseMs: 10, capMs: 20 } };
const isHello = (message: Buffer): boolean => message.readUInt8(1) === 0;
const isEcho = (message: Buffer): boolean => message.readUInt8(1) === 2;

function wellBehaved(message: Buffer, socket: Socket): void {
  if (isHello(message)) socket.write(plainHello);
  if (isEcho(message)) socket.write(echoReply(message));
}

describe('the probe of vswitchd', () => {
  let dir: string;
  let probe: SwitchProbe;
  let newsCount: number;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'probe-'));
    newsCount = 0;
    probe = new SwitchProbe(dir, systemClock, () => 0.5, timing);
    probe.onChange(() => (newsCount += 1));
  });
  afterEach(() => {
    probe.close();
    rmSync(dir, { recursive: true });
  });

  const peer = (onMessage: (message: Buffer, socket: Socket) => void): Promise<MgmtPeer> =>
    MgmtPeer.listen(join(dir, 'br0.mgmt'), onMessage);
  const answers = (): Promise<unknown> => eventually(() => probe.snapshot().answering.has('br0'), 'br0 answers');
  const isSilent = (): Promise<unknown> => eventually(() => probe.snapshot().silent.has('br0'), 'br0 is silent');

  it('knows nothing of a bridge that it has just begun to ask, and says that one without a socket is silent', async () => {
    probe.watch(['br0']);
    expect(probe.snapshot()).toEqual({ answering: new Set(), silent: new Set(), denied: new Set() });
    await isSilent();
    expect(newsCount).toBe(1);
  });

  it('believes an answered echo, keeps asking on one connection, and tells each change once', async () => {
    await using listening = await peer(wellBehaved);
    probe.watch(['br0']);
    await answers();
    await eventually(() => listening.heard.filter(isEcho).length > 5, 'it asks again and again');
    expect([listening.sockets.length, newsCount]).toEqual([1, 1]);
    for (const socket of listening.sockets) socket.destroy();
    await isSilent();
    await answers();
    expect(newsCount).toBe(3);
  });

  it('does not take a greeting for an answer', async () => {
    await using listening = await peer((message, socket) => {
      if (isHello(message)) socket.end(plainHello);
    });
    probe.watch(['br0']);
    await eventually(() => listening.sockets.length > 3, 'it comes again');
    expect(probe.snapshot().answering.size).toBe(0);
    expect(newsCount).toBe(1);
  });

  it.each([
    ['says nothing at all', () => undefined],
    ['stops in the middle of a message', (_message: Buffer, socket: Socket) => socket.write(plainHello.subarray(0, 5))],
    ['announces a message that is too short', (_m: Buffer, socket: Socket) => socket.write(Buffer.alloc(64))],
    ['writes rubbish', (_message: Buffer, socket: Socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['hangs up at once', (_message: Buffer, socket: Socket) => socket.destroy()],
    ['answers what it was not asked', (_m: Buffer, socket: Socket) => socket.write(echoReply(plainHello))],
  ])('calls a peer silent that %s, and leaves no connection open for ever', async (_what, behave) => {
    await using listening = await peer(behave);
    probe.watch(['br0']);
    await isSilent();
    await eventually(() => listening.sockets.length > 2, 'it tries again');
    expect(probe.snapshot().answering.size).toBe(0);
  });

  it('understands messages that come byte by byte, several at once, and behind others that it did not ask for', async () => {
    const unasked = Buffer.concat([Buffer.from('060a000c00000000', 'hex'), Buffer.alloc(4)]);
    let echoCount = 0;
    await using listening = await peer((message, socket) => {
      const answer = isHello(message) ? plainHello : isEcho(message) ? echoReply(message) : undefined;
      if (answer === undefined) return;
      if (isEcho(message)) echoCount += 1;
      const all = Buffer.concat([unasked, answer, unasked]);
      socket.setNoDelay(true);
      if (echoCount % 2 === 0) socket.write(all);
      else for (const byte of all) socket.write(Buffer.of(byte));
    });
    probe.watch(['br0']);
    await answers();
    await eventually(() => echoCount > 4, 'it stays connected');
    expect(listening.sockets).toHaveLength(1);
  });

  it('answers the echo of the switch, and speaks the highest version that both have', async () => {
    // OpenFlow 1.0 and 1.3 only, by bitmap.
    const hello = Buffer.from('04000010000000010001000800000012', 'hex');
    await using listening = await peer((message, socket) => {
      if (isHello(message)) socket.write(Buffer.concat([hello, Buffer.from('0402000800000063', 'hex')]));
      if (isEcho(message)) socket.write(echoReply(message));
    });
    probe.watch(['br0']);
    await answers();
    expect(listening.heard.filter(isEcho)[0]?.readUInt8(0)).toBe(4);
    const reply = listening.heard.find((message) => message.readUInt8(1) === 3);
    expect(reply?.toString('hex')).toBe('0403000800000063');
  });

  it('forgets a bridge that it is no longer told to watch, and hangs up', async () => {
    await using listening = await peer(wellBehaved);
    probe.watch(['br0']);
    await answers();
    probe.watch([]);
    expect(probe.snapshot()).toEqual({ answering: new Set(), silent: new Set(), denied: new Set() });
    await eventually(() => listening.sockets.every((socket) => socket.destroyed || socket.readableEnded), 'hung up');
  });
});
