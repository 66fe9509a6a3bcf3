/** Clients that mean harm to the real daemon, while another one is served and the switch is kept right. */

import { readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { createConnection, type Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { Rig } from '../agent/rig.js';
import { eventually } from '../lab/daemon.js';
import { PublishedClient, refusalOf, type Fields, type Watch } from './published-client.js';
import { addressesOf, logLines, wordsOf } from './stage.js';

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const exhausted: number = status.RESOURCE_EXHAUSTED;
/** A user and group that no machine has. */
const attacker = 61_005;
/** Far above what it needs, far below what these clients could make it take. */
const memoryBytesMax = 400 * 2 ** 20;

let rig: Rig;
let agent: AgentProcess;
let address: string;
let friend: PublishedClient;
/** grpc-status of the calls that were answered; 0 for those that go on. */
const statuses: number[] = [];
const sockets: Socket[] = [];
const sessions: ClientHttp2Session[] = [];

/** A connection of another user, who may only look: the kernel says so to the agent. */
function open(): Socket {
  process.setegid?.(attacker);
  process.seteuid?.(attacker);
  try {
    const socket = createConnection(address.replace('unix:', ''));
    socket.on('error', () => undefined);
    socket.resume();
    sockets.push(socket);
    return socket;
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

function session(): ClientHttp2Session {
  const made = connectHttp2('http://localhost', { createConnection: open });
  made.on('error', () => undefined);
  sessions.push(made);
  return made;
}

/** One call over bare HTTP/2, whose answer nobody reads. */
function startCall(over: ClientHttp2Session, path: string, body: Buffer, isWhole: boolean): void {
  const headers = { ':method': 'POST', ':path': `/dpu.agent.v1.${path}`, 'content-type': 'application/grpc' };
  const stream = over.request({ ...headers, te: 'trailers' });
  stream.on('error', () => undefined);
  stream.on('response', (answered) => statuses.push(Number(answered['grpc-status'] ?? 0)));
  if (isWhole) stream.end(body);
  else stream.write(body);
}

const memoryBytes = (): number => {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
};

/** What must hold under any attack: others are served, what is deleted comes back, and the memory is bounded. */
async function isWell(): Promise<void> {
  await friend.call('NodeService/GetStatus');
  await rig.lab.vsctl('--no-wait', 'del-port', 'br-int', 'int0');
  const isBack = async (): Promise<boolean> => (await wordsOf(rig.lab, 'list-ports', 'br-int')).includes('int0');
  await eventually(isBack, 'the port is back');
  await friend.call('TopologyService/GetTopology');
  expect(memoryBytes()).toBeLessThan(memoryBytesMax);
}

/** Lines about refused calls and connections, by kind: each at most once, for all this takes less than a minute. */
function refusals(): readonly string[] {
  return logLines(agent, 'API call refused').map((line) => `${String(line['code'])} ${String(line['who'])}`);
}

beforeAll(async () => {
  rig = await Rig.start({ vswitchd: true });
  const bridges = [{ name: 'br-int', ports: [{ kind: 'internal', name: 'int0' }] }];
  agent = await rig.agent({ bridges, api: { grpc: { group: String(attacker) }, http: { mode: 'off' } } });
  await chmod(rig.lab.dir, 0o711);
  await agent.ready(0);
  address = (await addressesOf(agent)).unix;
  friend = new PublishedClient(address);
  await friend.call('NodeService/GetStatus');
});
afterEach(() => {
  for (const made of sessions.splice(0)) made.destroy();
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  friend.close();
  await rig[Symbol.asyncDispose]();
});

describe('the daemon goes on while a client', () => {
  it('sends garbage, before and after a good beginning', async () => {
    const frames = [
      Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n'),
      Buffer.alloc(4_096, 0xff),
      Buffer.concat([preface, settings, Buffer.alloc(256, 0xff)]),
      Buffer.concat([preface, settings, Buffer.from([0xff, 0xff, 0xff, 1, 4, 0, 0, 0, 1, 0, 0])]),
      Buffer.concat([preface, settings, Buffer.from([0, 0, 4, 1, 4, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff])]),
    ];
    for (let round = 0; round < 5; round += 1) for (const bytes of frames) open().write(bytes);
    await isWell();
    expect(refusals().filter((line) => line === 'API_INVALID unix')).toHaveLength(1);
  });

  it('begins connections and says nothing, or half of what it has to', async () => {
    for (let index = 0; index < 300; index += 1)
      if (index % 2 === 0) open().write(preface.subarray(0, 10));
      else open();
    await isWell();
    expect(refusals().filter((line) => line === 'API_LIMIT unix')).toHaveLength(1);
  });

  it('sends messages that are too large, or never end', async () => {
    const big = { owner: 'big', generation: 1, bundle: { bridges: [{ name: 'x'.repeat(5 << 20) }] } };
    const refused = await refusalOf(friend.call('IntentService/Apply', big));
    expect(refused.code).toBe(status.RESOURCE_EXHAUSTED);
    const over = session();
    const promise = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
    const part = Buffer.concat([Buffer.from([0, 0, 0x3f, 0xff, 0xff]), Buffer.alloc(60_000)]);
    for (let index = 0; index < 50; index += 1) {
      startCall(over, 'IntentService/Apply', index % 2 === 0 ? promise : part, false);
    }
    await isWell();
    expect(await friend.call('IntentService/List')).toMatchObject({ intents: [] });
  });

  it('opens thousands of streams', async () => {
    const watchers = Array.from({ length: 40 }, session);
    statuses.length = 0;
    for (const over of watchers) {
      for (let index = 0; index < 100; index += 1) {
        startCall(over, 'TopologyService/WatchTopology', Buffer.alloc(5), true);
      }
    }
    const refusedCount = (): number => statuses.filter((code) => code === exhausted).length;
    const isDone = (): boolean => refusedCount() > 0 && statuses.length >= 3_000;
    await eventually(isDone, 'most were refused');
    expect(statuses.length - refusedCount()).toBeLessThanOrEqual(256);
    await isWell();
  });

  it('watches without ever reading, while ports come and go; another one sees them all', async () => {
    // Nobody reads them: their windows stay shut after the first 64 KiB.
    for (let index = 0; index < 20; index += 1) {
      startCall(session(), 'TopologyService/WatchTopology', Buffer.alloc(5), true);
    }
    using reader = new PublishedClient(address);
    const watch: Watch<{ readonly delta?: { readonly changed: readonly { readonly ref: Fields }[] } }> = reader.watch(
      'TopologyService/WatchTopology',
    );
    await eventually(() => watch.messages.length > 0, 'the snapshot');
    await rig.lab.vsctl('--no-wait', 'add-br', 'br-busy');
    const key = 'k'.repeat(1_000);
    for (let round = 0; round < 20; round += 1) {
      const set = Array.from({ length: 20 }, (_, index) => `external_ids:n${index}=${key}${round}`);
      await rig.lab.vsctl('--no-wait', 'set', 'Bridge', 'br-busy', ...set);
    }
    await rig.lab.vsctl('--no-wait', 'add-br', 'br-last');
    const told = (): boolean =>
      watch.messages.some(({ delta }) => delta?.changed.some(({ ref }) => ref['name'] === 'br-last') === true);
    await eventually(told, 'the reader is told the last change');
    await isWell();
    watch.cancel();
    await rig.lab.vsctl('--no-wait', 'del-br', 'br-busy', '--', 'del-br', 'br-last');
  });

  it('has done all of this: everything was told once, and nothing was changed', async () => {
    const told = refusals();
    expect(told.length).toBe(new Set(told).size);
    expect(agent.log).not.toMatch(/"level":"(error|fatal)"/);
    await agent.ready(Date.now());
    expect(await wordsOf(rig.lab, 'list-br')).toEqual(['br-int']);
    const { entries } = await friend.call<{ entries: readonly { kind: string; outcome: string }[] }>(
      'JournalService/ListEntries',
      { pageSize: 1000 },
    );
    const audits = entries.filter(({ kind, outcome }) => kind === 'KIND_AUDIT' && outcome === 'OUTCOME_APPLIED');
    expect(audits).toEqual([]);
  });
});
