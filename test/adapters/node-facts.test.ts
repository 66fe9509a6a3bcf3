import { describe, expect, it } from 'vitest';
import { NodeFactsReader } from '../../src/adapters/node-facts.js';
import type { StoreSnapshot } from '../../src/agent/ports.js';
import type { FileSource } from '../../src/host/file-source.js';
import { MachineReader } from '../../src/host/machine-facts.js';
import type { Netdev } from '../../src/model/netdev.js';
import { ManualClock } from '../config/manual-clock.js';
import { bridgeRow, netdev, observedOf } from '../fakes/plan-rows.js';

class World {
  readonly clock = new ManualClock();
  readonly asked: (string | undefined)[] = [];
  readonly files: Record<string, string> = {
    '/proc/sys/kernel/hostname': 'dpu-1\n',
    '/sys/class/net/p0/speed': '100000\n',
  };
  readCount = 0;
  types: readonly string[] = ['netdev'];
  netdevs: readonly Netdev[] = [
    netdev('p1', { kind: 'uplink', port: 1, hasCarrier: false, mac: '02:00:00:00:00:02' }),
    netdev('p0', { kind: 'uplink', port: 0, mtu: 9_216, mac: '02:00:00:00:00:01' }),
    netdev('pf0vf1', { kind: 'hostVf' }),
  ];
  isReadable = true;

  readonly reader = new NodeFactsReader({
    agent: {
      version: '1.2.3',
      owner: 'agent-1',
      startedWallMs: 5,
      repair: 'on',
      attachMode: 'off',
      runtimeVersion: 'v20.0.0',
    },
    runDir: '/run/openvswitch',
    machine: new MachineReader({ files: this.#source() }),
    readFirmware: (device) => {
      this.asked.push(device);
      return Promise.resolve('32.41.1000');
    },
    store: { snapshot: () => this.#snapshot(), schemaVersion: () => '8.3.1' },
    devices: { snapshot: () => new Map(this.netdevs.map((each) => [each.name, each])) },
    hostNodeName: () => 'host-a',
    capabilities: () => [{ name: 'stats', isAvailable: true, message: undefined }],
    clock: this.clock,
  });

  #source(): FileSource {
    return {
      list: () => Promise.resolve([]),
      link: () => Promise.reject(new Error('none')),
      read: (path) => {
        this.readCount += 1;
        const text = this.files[path];
        return text === undefined ? Promise.reject(new Error('none')) : Promise.resolve(text);
      },
    };
  }

  #snapshot(): StoreSnapshot | undefined {
    if (!this.isReadable) return undefined;
    const bridges = this.types.map((datapathType, index) => bridgeRow(`br${index}`, { datapathType }));
    return {
      ...observedOf({ bridges, root: { dpdkVersion: 'DPDK 22.11.1', isDpdkInitialized: true } }),
      qos: new Map(),
    };
  }
}

describe('the facts of the node', () => {
  it('put together machine, firmware, Open vSwitch and uplinks', async () => {
    const facts = await new World().reader.facts();
    expect(facts).toMatchObject({
      version: '1.2.3',
      hostNodeName: 'host-a',
      machine: { hostname: 'dpu-1', firmware: '32.41.1000' },
      capabilities: [{ name: 'stats' }],
    });
    expect(facts.ovs).toEqual({
      version: '3.1.0',
      schemaVersion: '8.3.1',
      dpdkVersion: 'DPDK 22.11.1',
      docaVersion: undefined,
      isDpdkInitialized: true,
      isDocaInitialized: false,
      datapathTypes: ['netdev', 'system'],
      engine: 'netdev',
      runDir: '/run/openvswitch',
    });
    expect(facts.uplinks).toEqual([
      { name: 'p0', port: 0, hasCarrier: true, speedBps: 100_000_000_000, mtu: 9_216, mac: '02:00:00:00:00:01' },
      { name: 'p1', port: 1, hasCarrier: false, speedBps: undefined, mtu: 1_500, mac: '02:00:00:00:00:02' },
    ]);
  });

  it.each([
    [[], undefined],
    [[''], 'system'],
    [['system', ''], 'system'],
    [['doca', 'doca'], 'doca'],
    [['netdev', 'system'], 'mixed'],
  ])('name the datapath of bridges of types %j %s', async (types, engine) => {
    const world = new World();
    world.types = types;
    expect((await world.reader.facts()).ovs.engine).toBe(engine);
  });

  it('are there while the database is not readable, but for what it tells', async () => {
    const world = new World();
    world.isReadable = false;
    const { ovs, machine } = await world.reader.facts();
    expect(machine.hostname).toBe('dpu-1');
    expect(ovs).toMatchObject({ version: undefined, engine: undefined, isDpdkInitialized: false, datapathTypes: [] });
  });

  it('are read at most once a second, whoever asks how often', async () => {
    const world = new World();
    await Promise.all([world.reader.facts(), world.reader.facts()]);
    const { readCount } = world;
    world.clock.advance(999);
    await world.reader.facts();
    expect(world.readCount).toBe(readCount);
    world.clock.advance(1);
    world.files['/proc/sys/kernel/hostname'] = 'renamed\n';
    expect((await world.reader.facts()).machine.hostname).toBe('renamed');
  });

  it('ask for the firmware seldom, and again of another uplink', async () => {
    const world = new World();
    for (let second = 0; second < 5; second += 1) {
      await world.reader.facts();
      world.clock.advance(1_000);
    }
    expect(world.asked).toEqual(['p0']);
    world.netdevs = [];
    await world.reader.facts();
    world.clock.advance(600_000);
    await world.reader.facts();
    expect(world.asked).toEqual(['p0', undefined, undefined]);
  });
});
