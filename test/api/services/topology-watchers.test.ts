/** Many watchers of many changes over real gRPC: the benchmark's claim without its clock. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status, type Client } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeKind } from '../../../src/api/encode/common.js';
import { topologyService } from '../../../src/api/services/topology.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { settle } from '../../fakes/agent-world.js';
import { connectTo, type OpenServer, serveOpen } from '../../fakes/open-grpc.js';
import { portRow } from '../../fakes/plan-rows.js';
import { TopologyWatcher } from '../../fakes/topology-watcher.js';
import { TopologyWorld } from '../../fakes/topology-world.js';

const portCount = 300;
const ring = { stepCountMax: 100, objectCountMax: 2000, sizeBytesMax: 16 * 2 ** 20 };

let dir: string;
let socket: string;
let world: TopologyWorld;
let server: OpenServer;
let clients: Client[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'api-'));
  socket = join(dir, 'api.sock');
  clients = [];
  world = new TopologyWorld({ ring });
  world.ports = new Map(Array.from({ length: portCount }, (_, at) => [`p${at}`, row(at, 1)]));
  world.hub.look();
  const { hub: topology, clock } = world;
  server = await serveOpen([topologyService({ topology, clock, instanceId: 'i' })], socket);
});

afterEach(async () => {
  for (const client of clients) client.close();
  server.stop();
  await world.hub.close();
  await rm(dir, { recursive: true, force: true });
});

/** About a kilobyte, so that what is not read soon fills what HTTP/2 takes in advance. */
function row(at: number, ofport: number): ReturnType<typeof portRow> {
  const externalIds = new Map([['note', `${ofport}`.padEnd(1000, '.')]]);
  return portRow(`p${at}`, 'br-a', { externalIds }, { ofport });
}

function watch(before?: TopologyWatcher): TopologyWatcher {
  const client = connectTo(socket);
  clients.push(client);
  return new TopologyWatcher(client, undefined, before);
}

function versions(): ReadonlyMap<string, bigint> {
  const { objects } = world.hub.snapshot();
  return new Map(objects.map(({ ref, version }) => [`${encodeKind(ref.kind)} ${ref.name}`, version]));
}

let lastOfport = 1;

/** Changes, adds and removes ports, with turns of the event loop in between. */
async function change(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    lastOfport += 1;
    world.setPort(row((at * 7) % portCount, lastOfport));
    if (at % 10 === 3) world.setPort(portRow(`extra${at % 30}`, 'br-a', {}, { ofport: lastOfport }));
    if (at % 10 === 8) world.removePort(`extra${(at + 15) % 30}`);
    world.hub.look();
    if (at % 3 === 0) await settle();
  }
}

describe('fifty watchers of some hundred changes', () => {
  it('all end with what the agent has, in order and without a gap; one who does not read is told to start over', async () => {
    const watchers = Array.from({ length: 50 }, () => watch());
    await eventually(() => watchers.every(({ isComplete }) => isComplete));
    const slow = watchers.slice(0, 5);
    for (const { stream } of slow) stream.pause();
    const quick = watchers.slice(5);

    for (let round = 0; round < 4; round += 1) {
      await change(100);
      // A fast reader is one that is given the processor: all share this one.
      await eventually(() => quick.every(({ version }) => version === world.hub.snapshot().version));
    }
    expect(world.hub.stats().stepCount).toBe(ring.stepCountMax);
    const expected = versions();
    expect(quick.filter((watcher) => !watcher.has(expected))).toEqual([]);
    expect(quick.filter(({ startOver }) => startOver !== undefined)).toEqual([]);

    for (const { stream } of slow) stream.resume();
    await eventually(() => slow.every(({ endCode }) => endCode !== undefined));
    expect(slow.map(({ startOver }) => startOver)).toEqual(slow.map(() => 'Expired'));
    expect(slow.map(({ endCode }) => endCode)).toEqual(slow.map(() => status.OUT_OF_RANGE));
    // Having started over, they have what all have.
    const again = slow.map(() => watch());
    await eventually(() => again.every((watcher) => watcher.isComplete && watcher.has(versions())));
    expect([...watchers, ...again].map(({ failure }) => failure).filter((failure) => failure !== undefined)).toEqual(
      [],
    );
    expect(server.bugs).toEqual([]);
  });

  it('lets one who was cut off go on where it was', async () => {
    const first = watch();
    await eventually(() => first.isComplete);
    await change(10);
    await eventually(() => first.version === world.hub.snapshot().version);
    first.stream.cancel();
    await eventually(() => world.hub.stats().waitingCount === 0);
    await change(50);
    const second = watch(first);
    await eventually(() => second.version === world.hub.snapshot().version);
    expect(second.has(versions())).toBe(true);
    // No snapshot was sent: a delta for what had changed.
    expect(second.messageCount).toBe(second.deltaCount);
    expect([first.failure, second.failure]).toEqual([undefined, undefined]);
  });
});
