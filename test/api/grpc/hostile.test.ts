import { createConnection, type Socket } from 'node:net';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { Identity } from '../../../src/api/identity.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { RawClient, Rig, call, failureOf, frame, list, stream, watch, type JournalHandlers } from './rig.js';

const rigs: Rig[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const rig of rigs.splice(0)) await rig.stop();
});

async function start(...args: Parameters<typeof Rig.start>): Promise<Rig> {
  const rig = await Rig.start(...args);
  rigs.push(rig);
  return rig;
}

function open(rig: Rig): Socket {
  const socket = createConnection(rig.socket);
  socket.on('error', () => undefined);
  socket.resume();
  sockets.push(socket);
  return socket;
}

const user: Identity = { kind: 'process', uid: 1000, gids: [1000], pid: 7 };
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
/** Streams that never end of themselves. */
const endless: Partial<JournalHandlers> = {
  watchEntries: async function* (_request, { signal }) {
    yield { instanceId: 'open' };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  },
};
/** Who goes first is another than who comes later. */
function attackerThenFriend(attackerCount: number): { peerOf(): Promise<Identity> } {
  let count = 0;
  return {
    peerOf: () => {
      count += 1;
      return Promise.resolve(count <= attackerCount ? user : { kind: 'process', uid: 0, gids: [0], pid: 1 });
    },
  };
}

const kindsOf = ({ refusals }: Rig): string[] => refusals.map(({ error, who }) => `${error.code} ${who}`);

describe('the server goes on serving others when a client', () => {
  it('speaks something else, which is told once', async () => {
    const rig = await start({});
    const client = rig.client();
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(64, 0xff), preface.subarray(0, 20)]) {
      const socket = open(rig);
      socket.end(bytes);
      await once(socket, 'close');
      await call(client, list);
    }
    expect(kindsOf(rig)).toEqual(['API_INVALID unix']);
    expect(rig.api.figures().connections).toBe(1);
  });

  it('sends garbage after a good beginning, though Node leaves such a connection open and does not see its end', async () => {
    const rig = await start({}, { limits: { keepaliveMs: 100, keepaliveTimeoutMs: 100 } });
    const client = rig.client();
    const frames = [
      Buffer.alloc(256, 0xff),
      // A HEADERS frame that promises 16 MiB; DATA for a stream that is not there; a header block of nonsense.
      Buffer.from([0xff, 0xff, 0xff, 1, 4, 0, 0, 0, 1, 0, 0]),
      Buffer.from([0, 0, 1, 0, 0, 0, 0, 0, 9, 0]),
      Buffer.from([0, 0, 4, 1, 4, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]),
    ];
    for (const bytes of frames) {
      const socket = open(rig);
      socket.write(Buffer.concat([preface, settings, bytes]));
      await call(client, list);
      await once(socket, 'close');
    }
    const gone = open(rig);
    gone.write(Buffer.concat([preface, settings, Buffer.alloc(64, 0xff)]));
    await eventually(() => gone.bytesRead > 30, 'it is told of its error');
    gone.destroy();
    await eventually(() => rig.api.figures().connections === 1, 'nothing of it stays');
    await call(client, list);
    expect(rig.bugs).toEqual([]);
  });

  it('says nothing, or only half of what it has to, until its time is over', async () => {
    const rig = await start({}, { limits: { handshakeMs: 200 } });
    const [silent, half] = [open(rig), open(rig)];
    half.write(preface);
    const closed = Promise.all([once(silent, 'close'), once(half, 'close')]);
    await call(rig.client(), list);
    await closed;
    expect(kindsOf(rig)).toEqual(['API_LIMIT unix']);
    await call(rig.client(), list);
  });

  it('opens connections without end and says nothing: the oldest go, and who speaks is let in', async () => {
    const rig = await start({}, { limits: { unfinishedMax: 8, handshakeMs: 60_000 } });
    const opened = Array.from({ length: 100 }, () => open(rig));
    await eventually(() => opened.filter(({ destroyed }) => destroyed).length === 92, 'all but the newest are gone');
    await call(rig.client(), list);
  });

  it('begins a request and does not finish it', async () => {
    const rig = await start({}, { limits: { requestMs: 200 } });
    const raw = new RawClient(rig);
    const opened = raw.open(list);
    opened.write(Buffer.from([0, 0, 0, 1, 0]));
    const [headers] = (await once(opened, 'response')) as [Record<string, string>];
    expect(headers['grpc-status']).toBe(String(status.DEADLINE_EXCEEDED));
    await call(rig.client(), list);
    raw.session.destroy();
  });

  it('holds as many requests half sent as it may: its own wait, not those of others', async () => {
    const rig = await start({}, { peerCredentials: attackerThenFriend(1) });
    const raw = new RawClient(rig);
    for (let index = 0; index < 50; index += 1) raw.open(list).write(Buffer.from([0, 0, 0, 1, 0]));
    await eventually(() => rig.api.figures().connections === 1, 'the connection is there');
    await call(rig.client(), list);
    raw.session.destroy();
  });

  it('sends a message that is too large, or is none', async () => {
    const rig = await start({}, { limits: { requestBytesMax: 1_000 } });
    const client = rig.client();
    const raw = new RawClient(rig);
    const codes: (string | undefined)[] = [];
    for (const message of [Buffer.alloc(2_000), Buffer.from([0xff, 0xff, 0xff])]) {
      const opened = raw.open(list, message);
      const [headers] = (await once(opened, 'response')) as [Record<string, string>];
      codes.push(headers['grpc-status']);
      opened.resume();
    }
    // A length that only promises to be too large is enough.
    const promised = raw.open(list);
    promised.write(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
    const [headers] = (await once(promised, 'response')) as [Record<string, string>];
    codes.push(headers['grpc-status']);
    expect(codes.map(Number)).toEqual([status.RESOURCE_EXHAUSTED, status.INVALID_ARGUMENT, status.RESOURCE_EXHAUSTED]);
    await call(client, list);
    raw.session.destroy();
  });

  it('sends a field that this version does not know, which is no fault', async () => {
    const rig = await start({ listEntries: ({ pageSize }) => ({ newestSequence: BigInt(pageSize) }) });
    const raw = new RawClient(rig);
    // Field 3 is 5, field 999 is a string.
    const opened = raw.open(list, Buffer.from([0x18, 5, 0xba, 0x3e, 1, 0x78]));
    const chunks: Buffer[] = [];
    opened.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(opened, 'end');
    expect(Buffer.concat(chunks)).toEqual(frame(Buffer.from([0x20, 5])));
    raw.session.destroy();
  });

  it('opens ten thousand streams', async () => {
    const connectionCount = 100;
    const rig = await start(endless, { peerCredentials: attackerThenFriend(connectionCount) });
    const attackers = Array.from({ length: connectionCount }, () => new RawClient(rig));
    for (const raw of attackers) {
      for (let index = 0; index < 100; index += 1) raw.open(watch, Buffer.alloc(0));
    }
    const isDone = (): boolean => attackers.filter(({ session }) => session.destroyed).length >= 36;
    await eventually(isDone, 'connections beyond those of one peer are cut off');
    const friend = rig.client();
    await call(friend, list);
    const watched = stream(friend, watch);
    watched.on('error', () => undefined);
    await once(watched, 'data');
    watched.cancel();
    // One line for the peer's connections and calls together, however many they were; another may tell of the crowd before.
    expect(kindsOf(rig).filter((kind) => kind !== 'API_LIMIT unix')).toEqual(['API_LIMIT uid 1000 (pid 7)']);
    expect(rig.refusals.length).toBeLessThanOrEqual(2);
    for (const { session } of attackers) session.destroy();
    await eventually(() => rig.api.figures().connections === 1, 'all that the attacker had is given back');
    await call(friend, list);
  });

  it('asks for streams on one connection beyond what it was told', async () => {
    const rig = await start(endless, { limits: { connectionStreamsMax: 10 } });
    const raw = new RawClient(rig, { peerMaxConcurrentStreams: 10_000 });
    let refusedCount = 0;
    for (let index = 0; index < 300; index += 1) {
      raw.open(watch, Buffer.alloc(0)).on('close', () => (refusedCount += 1));
    }
    await eventually(() => refusedCount >= 290 || raw.session.destroyed, 'they are refused');
    await call(rig.client(), list);
    raw.session.destroy();
  });
});

describe('answers that are not read', () => {
  const answerBytes = 2 << 20;
  const large: Partial<JournalHandlers> = { listEntries: () => ({ instanceId: 'x'.repeat(answerBytes) }) };
  const closedWindow = { settings: { initialWindowSize: 0 } };

  function statusesOf(raw: RawClient, count: number): readonly string[] {
    const statuses: string[] = [];
    for (let index = 0; index < count; index += 1) {
      raw.open(list, Buffer.alloc(0)).on('response', (headers) => {
        if (headers['grpc-status'] !== undefined) statuses.push(String(headers['grpc-status']));
      });
    }
    return statuses;
  }

  it('are kept up to a share of the peer, and others are answered', async () => {
    const rig = await start(large, {
      limits: { peerUnsentMax: 4 * answerBytes },
      peerCredentials: attackerThenFriend(1),
    });
    const raw = new RawClient(rig, closedWindow);
    const statuses = statusesOf(raw, 50);
    await eventually(() => statuses.length === 47, 'what is beyond is refused');
    expect(new Set(statuses)).toEqual(new Set([String(status.RESOURCE_EXHAUSTED)]));
    expect((await call(rig.client(), list)).instanceId).toHaveLength(answerBytes);
    raw.session.destroy();
    await eventually(() => rig.api.figures().unsentBytes === 0, 'all of it is given back');
  });

  it('of all together are bounded too, save those to operators', async () => {
    const rig = await start(large, {
      limits: { unsentMax: 2 * answerBytes },
      peerCredentials: attackerThenFriend(1),
    });
    const raw = new RawClient(rig, closedWindow);
    const statuses = statusesOf(raw, 10);
    await eventually(() => statuses.length >= 8, 'what is beyond is refused');
    expect((await call(rig.client(), list)).instanceId).toHaveLength(answerBytes);
    raw.session.destroy();
  });

  it('have a time to leave, after which the connection goes, whatever deadline the client gave', async () => {
    const rig = await start(large, { limits: { sendMs: 400 } });
    for (const headers of [{}, { 'grpc-timeout': '50m' }]) {
      const raw = new RawClient(rig, closedWindow);
      const closed = once(raw.session, 'close');
      raw.open(list, Buffer.alloc(0), headers);
      await closed;
    }
    await eventually(() => rig.api.figures().unsentBytes === 0, 'all of it is given back');
    const opened = stream(rig.client(), list);
    opened.resume();
    await once(opened, 'end');
    expect(kindsOf(rig)).toEqual(['API_LIMIT uid 0 (pid 1)']);
  });
});

describe('operators', () => {
  it('have connections that others cannot take', async () => {
    let count = 0;
    const root: Identity = { kind: 'process', uid: 0, gids: [0], pid: 1 };
    const rig = await start(endless, {
      limits: { connectionsMax: 8, operatorConnectionsMin: 2 },
      peerCredentials: { peerOf: () => Promise.resolve((count += 1) <= 7 ? user : root) },
    });
    const attackers = Array.from({ length: 7 }, () => new RawClient(rig));
    for (const raw of attackers) raw.open(watch, Buffer.alloc(0));
    await eventually(() => attackers.some(({ session }) => session.destroyed), 'one is beyond what others may have');
    expect(kindsOf(rig)).toEqual(['API_LIMIT uid 1000 (pid 7)']);
    await call(rig.client(), list);
    for (const { session } of attackers) session.destroy();
  });
});

describe('a role', () => {
  it('that is lacking is told with what to do, once in the log, and nothing is called', async () => {
    let callCount = 0;
    const rig = await start(
      {
        listEntries: () => {
          callCount += 1;
          return {};
        },
      },
      { identity: user, entry: { roles: { listEntries: 'operator' } } },
    );
    const client = rig.client();
    for (let index = 0; index < 5; index += 1) {
      expect((await failureOf(call(client, list))).code).toBe(status.PERMISSION_DENIED);
    }
    expect(callCount).toBe(0);
    expect(rig.refusals).toEqual([
      expect.objectContaining({ who: 'uid 1000 (pid 7)', method: '/dpu.agent.v1.JournalService/ListEntries' }),
    ]);
  });

  it('cannot be claimed in metadata, and reading needs one too', async () => {
    const rig = await start({}, { identity: user, entry: { roles: { listEntries: 'controller' } } });
    const raw = new RawClient(rig);
    const opened = raw.session.request({
      ':method': 'POST',
      ':path': '/dpu.agent.v1.JournalService/ListEntries',
      'content-type': 'application/grpc',
      identity: 'uid 0',
      caller: 'uid 0',
      role: 'operator',
    });
    opened.end(frame(Buffer.alloc(0)));
    const [headers] = (await once(opened, 'response')) as [Record<string, string>];
    expect(headers['grpc-status']).toBe(String(status.PERMISSION_DENIED));
    raw.session.destroy();
  });
});
