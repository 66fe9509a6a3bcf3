/**
 * Asks vswitchd itself whether it lives and which bridges it has really made, at their OpenFlow management sockets. The
 * database cannot tell: its columns outlive a crash, and a bridge that vswitchd refused looks like any other. Speaks just
 * HELLO and ECHO (OpenFlow 1.5 sections 7.5.1 and 7.5.2) and changes nothing. A connection that closes is the news of a
 * vswitchd that died.
 */

import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { LivenessSource, Unsubscribe } from '../agent/ports.js';
import { backoffMs, type BackoffTiming } from '../lib/backoff.js';
import type { Clock, Timer } from '../lib/clock.js';
import { systemErrorCode } from '../lib/errors.js';
import type { SwitchLiveness } from '../model/observed.js';

const deniedCodes: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);
const headerSize = 8;
const helloType = 0;
const echoRequestType = 2;
const echoReplyType = 3;
/** HELLO of version 1.5 with a bitmap of 1.0 to 1.5: whatever `protocols` the bridge allows, one is common. */
const hello = Buffer.from('0600001000000001000100080000007e', 'hex');

export interface ProbeTiming {
  /** Between two questions on a quiet connection, ms. */
  readonly intervalMs: number;
  /** How long an answer may take, ms. A vswitchd that lost its database accepts connections and never answers. */
  readonly answerMs: number;
  readonly retry: BackoffTiming;
}

export const defaultProbeTiming: ProbeTiming = {
  intervalMs: 5_000,
  answerMs: 3_000,
  retry: { baseMs: 100, capMs: 1_000 },
};

interface ProbeContext {
  readonly path: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly timing: ProbeTiming;
  readonly onChange: () => void;
}

/** The version for messages after the handshake: the highest that both sides have (OpenFlow 1.5 section 6.3.1). */
function commonVersion(peerHello: Buffer): number {
  const version = peerHello.readUInt8(0);
  const hasBitmap = peerHello.length >= headerSize + 8 && peerHello.readUInt16BE(headerSize) === 1;
  if (!hasBitmap) return Math.min(version, 6);
  const common = peerHello.readUInt32BE(headerSize + 4) & 0x7e;
  return common === 0 ? Math.min(version, 6) : 31 - Math.clz32(common);
}

/** One bridge's probe: one connection at a time, one question at a time. */
class BridgeProbe {
  isAnswering = false;
  isKnown = false;
  /** The socket is there, and this user may not open it. */
  isDenied = false;
  readonly #context: ProbeContext;
  #socket: Socket | undefined;
  #timer: Timer | undefined;
  #received: Buffer = Buffer.alloc(0);
  /** 0 before the peer's HELLO. */
  #version = 0;
  /** An ECHO is under way. */
  #isAsked = false;
  #attempt = 0;
  #isClosed = false;

  constructor(context: ProbeContext) {
    this.#context = context;
    this.#dial();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#socket?.destroy();
  }

  #dial(): void {
    this.#received = Buffer.alloc(0);
    this.#version = 0;
    this.#isAsked = false;
    const socket = connect(this.#context.path);
    this.#socket = socket;
    socket.on('connect', () => {
      this.isDenied = false;
      socket.write(hello);
    });
    socket.on('data', (chunk: Buffer) => this.#hear(chunk));
    socket.on('error', (error) => this.#fail(socket, error));
    socket.on('close', () => this.#lost());
    this.#wait(this.#context.timing.answerMs, () => socket.destroy());
  }

  #wait(delayMs: number, then: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#context.clock.after(delayMs, then, true);
  }

  /** A socket that is missing, refused or reset gives no live answer; one that may not be opened never will. */
  #fail(socket: Socket, error: Error): void {
    const isDenied = deniedCodes.has(systemErrorCode(error) ?? '');
    if (isDenied !== this.isDenied) this.isKnown = false;
    this.isDenied = isDenied;
    socket.destroy();
  }

  #lost(): void {
    if (this.#isClosed) return;
    this.#set(false);
    const { timing, random } = this.#context;
    this.#wait(timing.retry.baseMs / 2 + backoffMs(this.#attempt, timing.retry, random()), () => this.#dial());
    this.#attempt += 1;
  }

  #set(isAnswering: boolean): void {
    const isNews = !this.isKnown || this.isAnswering !== isAnswering;
    this.isKnown = true;
    this.isAnswering = isAnswering;
    if (isNews) this.#context.onChange();
  }

  /** Takes whole messages off the stream; asynchronous ones are let pass, for nothing was subscribed to. */
  #hear(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= headerSize) {
      const size = this.#received.readUInt16BE(2);
      if (size < headerSize) {
        this.#socket?.destroy();
        return;
      }
      if (this.#received.length < size) return;
      this.#take(this.#received.subarray(0, size));
      this.#received = this.#received.subarray(size);
    }
  }

  #take(message: Buffer): void {
    const type = message.readUInt8(1);
    if (type === helloType && this.#version === 0) {
      this.#version = commonVersion(message);
      // A greeting is not a proof yet: a switch that shares no version with us greets too, and then hangs up.
      this.#ask();
    } else if (type === echoRequestType) {
      this.#answer(message);
    } else if (type === echoReplyType && this.#isAsked) {
      this.#isAsked = false;
      this.#attempt = 0;
      this.#set(true);
      this.#wait(this.#context.timing.intervalMs, () => this.#ask());
    }
  }

  #answer(request: Buffer): void {
    const reply = Buffer.from(request);
    reply.writeUInt8(echoReplyType, 1);
    this.#socket?.write(reply);
  }

  #ask(): void {
    this.#isAsked = true;
    const request = Buffer.from([this.#version, echoRequestType, 0, headerSize, 0, 0, 0, 2]);
    this.#socket?.write(request);
    this.#wait(this.#context.timing.answerMs, () => this.#socket?.destroy());
  }
}

/** Probes the bridges that it is told to watch. */
export class SwitchProbe implements LivenessSource {
  readonly #probes = new Map<string, BridgeProbe>();
  readonly #listeners = new Set<() => void>();
  readonly #runDir: string;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #timing: ProbeTiming;

  /** @param runDir directory of the `<bridge>.mgmt` sockets */
  constructor(runDir: string, clock: Clock, random: () => number, timing: ProbeTiming = defaultProbeTiming) {
    this.#runDir = runDir;
    this.#clock = clock;
    this.#random = random;
    this.#timing = timing;
  }

  snapshot(): SwitchLiveness {
    const known = [...this.#probes].filter(([, probe]) => probe.isKnown);
    return {
      answering: new Set(known.filter(([, probe]) => probe.isAnswering).map(([name]) => name)),
      silent: new Set(known.filter(([, probe]) => !probe.isAnswering).map(([name]) => name)),
      denied: new Set(known.filter(([, probe]) => probe.isDenied).map(([name]) => name)),
    };
  }

  watch(bridges: readonly string[]): void {
    const wanted = new Set(bridges);
    for (const [name, probe] of this.#probes) {
      if (wanted.has(name)) continue;
      probe.close();
      this.#probes.delete(name);
    }
    for (const name of wanted) if (!this.#probes.has(name)) this.#probes.set(name, this.#probe(name));
  }

  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.watch([]);
  }

  #probe(bridge: string): BridgeProbe {
    return new BridgeProbe({
      path: join(this.#runDir, `${bridge}.mgmt`),
      clock: this.#clock,
      random: this.#random,
      timing: this.#timing,
      onChange: () => {
        for (const listener of this.#listeners) listener();
      },
    });
  }
}
