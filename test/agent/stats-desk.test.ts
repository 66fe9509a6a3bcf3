import { describe, expect, it } from 'vitest';
import type { StatsSelection } from '../../src/agent/api-view.js';
import type { StoreSnapshot } from '../../src/agent/ports.js';
import { StatsDesk } from '../../src/agent/stats-desk.js';
import type { ChainLook, InterfaceReading } from '../../src/agent/stats-ports.js';
import type { PodFacts } from '../../src/attach/attachment-view.js';
import type { ChainView } from '../../src/chain/chain-view.js';
import { portView, switchView } from '../chain/chain-shapes.js';
import { ManualClock } from '../config/manual-clock.js';
import { shownPod } from '../fakes/shown-pods.js';
import { bridgeRow, mapOf, observedOf, portRow } from '../fakes/plan-rows.js';

const reading = (packets: bigint, uuid: string): InterfaceReading => ({
  wallMs: 5,
  uuid,
  received: { packets },
  sent: {},
  plugged: { sinceWallMs: 3, received: { packets: packets - 1n }, sent: {} },
});
const all: StatsSelection = { ports: true, attachments: true, chains: true, names: new Set() };
const chain: ChainView = {
  intent: { name: 'c', bridge: 'br-sfc' },
  switches: [switchView(0, portView('a', 1), portView('b', 2))],
};
const counted = {
  rxBytes: 1n,
  rxDropped: 0n,
  rxErrors: 3n,
  txPackets: 2n,
  txBytes: undefined,
  txDropped: 0n,
  txErrors: 0n,
};

class World {
  readonly clock = new ManualClock();
  readonly readings = new Map<string, InterfaceReading>([
    ['p0', reading(1n, 'interface-p0')],
    ['vf1', reading(2n, 'interface-vf1')],
    ['stray', reading(3n, 'interface-stray')],
  ]);
  readonly chains: ChainView[] = [];
  pods: readonly PodFacts[] = [];
  problem: string | undefined;
  version = 0;
  externalIds: Readonly<Record<string, string>> = {};
  isReadable = true;
  lookCount = 0;
  finish: (look?: Partial<ChainLook>) => void = () => undefined;
  readonly desk = new StatsDesk({
    store: { snapshot: () => this.#snapshot() },
    counters: { reading: (name) => this.readings.get(name), problem: () => this.problem, version: () => this.version },
    chainCounters: { look: () => this.#look() },
    pods: () => this.pods,
    chains: () => this.chains,
    clock: this.clock,
  });

  #snapshot(): StoreSnapshot | undefined {
    if (!this.isReadable) return undefined;
    const bridges = [bridgeRow('br-int'), bridgeRow('br-sfc')];
    const ports = [
      portRow('p0', 'br-sfc'),
      portRow('vf1', 'br-int', {}, { externalIds: mapOf(this.externalIds) }),
      portRow('unread', 'br-int'),
    ];
    return { ...observedOf({ bridges, ports }), qos: new Map() };
  }

  #look(): Promise<ChainLook> {
    this.lookCount += 1;
    return new Promise((resolve) => {
      this.finish = (look = {}) => {
        const ports = new Map([[1, { ...counted, rxPackets: 9n }]]);
        resolve({ wallMs: 7, bridges: new Map([['br-sfc', { ports, flows: [] }]]), problems: [], ...look });
      };
    });
  }
}

const never = new AbortController().signal;

describe('the counters of interfaces', () => {
  it('have a row for each interface of a port that was read, with the bridge that the loops know', () => {
    const { rows, problems } = new World().desk.interfaces();
    expect(rows.map(({ key, bridge, received }) => [key, bridge, received.packets])).toEqual([
      ['port/p0', 'br-sfc', 1n],
      ['port/vf1', 'br-int', 2n],
    ]);
    expect(rows[0]).toMatchObject({ wallMs: 5, sent: {} });
    expect(problems).toEqual([]);
  });

  it('have a row for each network of a pod that is plugged, and none for the others', () => {
    const world = new World();
    world.pods = [
      shownPod('web', [{ nadKey: 'default', device: 'vf1', isPlugged: true }]),
      shownPod('late', [{ nadKey: 'default', device: 'p0', isPlugged: false }]),
      shownPod('none', [{ nadKey: 'default', device: undefined, isPlugged: false }]),
    ];
    const rows = world.desk.interfaces().rows.filter(({ kind }) => kind === 'attachment');
    expect(rows).toEqual([
      {
        key: 'attachment/ns/web/default',
        kind: 'attachment',
        name: 'ns/web',
        bridge: 'br-int',
        interface: 'vf1',
        attachment: { namespace: 'ns', pod: 'web', network: 'default', podUid: 'uid-web' },
        wallMs: 5,
        countedSinceWallMs: 3,
        received: { packets: 1n },
        sent: {},
      },
    ]);
  });

  it("are not those of the pod where the row is another pod's by now", () => {
    const world = new World();
    world.pods = [shownPod('web', [{ device: 'vf1', isPlugged: true }])];
    world.externalIds = { 'iface-id-ver': 'uid-web' };
    expect(world.desk.interfaces().rows).toHaveLength(3);
    world.externalIds = { 'iface-id-ver': 'uid-next' };
    expect(world.desk.interfaces().rows).toHaveLength(2);
  });

  it('are not known where the counters were read from another row of the same name', () => {
    const world = new World();
    world.pods = [shownPod('web', [{ device: 'vf1', isPlugged: true }])];
    world.readings.set('vf1', reading(70n, 'the-old-row'));
    const rows = world.desk.interfaces().rows.filter((row) => row.interface === 'vf1');
    expect(rows.map(({ kind, received, countedSinceWallMs }) => [kind, received, countedSinceWallMs])).toEqual([
      ['port', {}, undefined],
      ['attachment', {}, undefined],
    ]);
  });

  it('tell why they are not followed, or cannot be told apart', () => {
    const world = new World();
    world.problem = 'They are old.';
    expect(world.desk.interfaces()).toMatchObject({ problems: ['They are old.'] });
    const blind = new World();
    blind.isReadable = false;
    expect(blind.desk.interfaces().rows).toEqual([]);
    expect(blind.desk.interfaces().problems).toHaveLength(1);
  });

  it('stay as they were while the database is not readable', () => {
    const world = new World();
    world.pods = [shownPod('web', [{ device: 'vf1', isPlugged: true }])];
    const before = world.desk.interfaces();
    expect(before.rows).toHaveLength(3);
    world.isReadable = false;
    world.pods = [];
    expect(world.desk.interfaces().rows).toEqual(before.rows);
    expect(world.desk.interfaces().problems).toEqual([expect.stringContaining('not readable')]);
    world.isReadable = true;
    expect(world.desk.interfaces()).toMatchObject({ rows: before.rows.slice(0, 2), problems: [] });
  });
});

describe('the counters that are asked of the switch', () => {
  it('are not asked for where no chain is selected, or there is none', async () => {
    const world = new World();
    await world.desk.read({ ...all, chains: false }, never);
    await world.desk.read(all, never);
    expect(world.lookCount).toBe(0);
  });

  it('are asked for once for all who wait, and again only after a while', async () => {
    const world = new World();
    world.chains.push(chain);
    const readers = [1, 2, 3].map(() => world.desk.read(all, never));
    world.finish();
    const answers = await Promise.all(readers);
    expect(world.lookCount).toBe(1);
    expect(answers[2]?.rows.at(-1)).toEqual({
      key: 'chain/c/1/a',
      kind: 'chainPort',
      name: 'c/1/a',
      bridge: 'br-sfc',
      interface: 'a',
      wallMs: 7,
      received: { packets: 9n, bytes: 1n, drops: 0n, errors: 3n },
      sent: { packets: 2n, bytes: undefined, drops: 0n, errors: 0n },
    });
    await world.desk.read(all, never);
    expect(world.lookCount).toBe(1);
    world.clock.advance(250);
    const later = world.desk.read(all, never);
    expect(world.lookCount).toBe(2);
    world.finish();
    await later;
  });

  it('are given up by one without those who go on waiting', async () => {
    const world = new World();
    world.chains.push(chain);
    const abort = new AbortController();
    const impatient = world.desk.read(all, abort.signal);
    const patient = world.desk.read(all, never);
    abort.abort();
    await expect(impatient).rejects.toMatchObject({ code: 'ABORTED' });
    world.finish();
    expect((await patient).rows).toHaveLength(3);
  });

  it('leave out a bridge that does not answer, and say so', async () => {
    const world = new World();
    world.chains.push(chain);
    const reader = world.desk.read(all, never);
    world.finish({ bridges: new Map(), problems: ['Bridge br-sfc does not tell.'] });
    const answer = await reader;
    expect(answer.problems).toEqual(['Bridge br-sfc does not tell.']);
    expect(answer.rows.map(({ kind }) => kind)).toEqual(['port', 'port']);
  });

  it('are those of before, with their time, where the bridge has answered and does not now', async () => {
    const world = new World();
    world.chains.push(chain);
    const first = world.desk.read(all, never);
    world.finish();
    const before = (await first).rows.at(-1);
    world.clock.advance(250);
    const second = world.desk.read(all, never);
    world.finish({ wallMs: 99, bridges: new Map(), problems: ['Bridge br-sfc does not tell.'] });
    expect((await second).rows.at(-1)).toEqual(before);
    expect((await second).problems).toEqual(['Bridge br-sfc does not tell.']);
  });

  it.each([
    ['c', ['chain/c/1/a']],
    ['c/1/a', ['chain/c/1/a']],
    ['c/1', []],
    ['p0', ['port/p0']],
  ])('are only those of the name %s where one is given', async (name, keys) => {
    const world = new World();
    world.chains.push(chain);
    const reader = world.desk.read({ ...all, names: new Set([name]) }, never);
    world.finish();
    expect((await reader).rows.map(({ key }) => key)).toEqual(keys);
  });
});
