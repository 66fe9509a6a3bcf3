/**
 * Random mischief on a switch that an agent looks after: what an administrator, another controller and the kernel's OOM
 * killer may do, from a seed. Keeps account of what is foreign, so that a test can say whether any of it was touched.
 */

import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { mapColumn, setColumn, type Rig, type Row } from './rig.js';

/** Mulberry32: small, and the same sequence for the same seed everywhere. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What the agent is told to keep. Numbers and addresses are declared, because mischief also wipes the notes of pins. */
export const chaosConfig = {
  bridges: [
    {
      name: 'br-int',
      adopt: true,
      failMode: 'secure',
      datapathId: '00000000000000a1',
      hwaddr: '02:00:00:00:00:a1',
      otherConfig: { 'mac-table-size': '4096' },
      externalIds: { role: 'integration' },
      ports: [
        { kind: 'system', name: 'rep0-1', adopt: true, ofport: 11, vlan: { tag: 101 }, mtu: 1500 },
        { kind: 'system', name: 'rep0-2', adopt: true, ofport: 12, interfaceExternalIds: { pod: 'a/b' } },
        { kind: 'patch', name: 'p-int', adopt: true, ofport: 13, peer: { bridge: 'br-sfc', port: 'p-sfc' } },
      ],
    },
    {
      name: 'br-sfc',
      adopt: true,
      failMode: 'secure',
      protocols: ['OpenFlow13', 'OpenFlow15'],
      datapathId: '00000000000000a2',
      hwaddr: '02:00:00:00:00:a2',
      ports: [
        { kind: 'patch', name: 'p-sfc', adopt: true, ofport: 21, peer: { bridge: 'br-int', port: 'p-int' } },
        { kind: 'internal', name: 'int0', adopt: true, ofport: 22, externalIds: { k: 'v' } },
      ],
    },
  ],
  // Slow enough that what an edit did to foreign rows can be read before the agent answers.
  agent: { coalesceMs: 100 },
} as const;

export const chaosDevices = ['rep0-1', 'rep0-2', 'foreign0', 'foreign1'] as const;
const ownBridges = ['br-int', 'br-sfc'] as const;
const ownPorts = ['rep0-1', 'rep0-2', 'p-int', 'p-sfc', 'int0'] as const;

const userColumns = {
  Bridge: ['name', '_uuid', 'datapath_type', 'fail_mode', 'protocols', 'other_config', 'external_ids', 'ports'],
  Port: ['name', '_uuid', 'tag', 'trunks', 'vlan_mode', 'other_config', 'external_ids', 'interfaces'],
  Interface: ['name', '_uuid', 'type', 'options', 'ofport_request', 'mtu_request', 'external_ids', 'other_config'],
} as const;

type Table = keyof typeof userColumns;

/** What an own row holds that is not the agent's: keys that the mischief put there. */
const isForeignKey = (key: string): boolean => key.startsWith('foreign-');

function ownPart(map: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(mapColumn(map)).filter(([key]) => !isForeignKey(key)));
}

function describe(row: Row, columns: readonly string[]): Row {
  const cells = columns
    .filter((column) => !['_uuid', 'ports', 'interfaces'].includes(column))
    .map((column) => {
      const value = row[column];
      const isMap = Array.isArray(value) && value[0] === 'map';
      return [column, isMap ? ownPart(value) : [...setColumn(value)].map(String).sort()] as const;
    });
  return Object.fromEntries(cells);
}

/** The agent's own rows without uuids and foreign keys: equal texts mean an equal switch. */
export async function ownState(rig: Rig): Promise<string> {
  const state: Record<string, Row> = {};
  for (const [table, columns] of Object.entries(userColumns) as [Table, readonly string[]][]) {
    const mine: readonly string[] = table === 'Bridge' ? ownBridges : [...ownBridges, ...ownPorts];
    for (const row of await rig.rows(table, columns)) {
      if (mine.includes(String(row['name']))) state[`${table} ${String(row['name'])}`] = describe(row, columns);
    }
  }
  for (const bridge of ownBridges) {
    const text = await rig.lab.vsctl('--no-wait', 'list-ports', bridge).catch(() => '(no such bridge)');
    const ports = text
      .trim()
      .split('\n')
      .filter((name) => !name.startsWith('foreign'));
    state[`ports of ${bridge}`] = { names: ports.sort() };
  }
  return JSON.stringify(Object.fromEntries(Object.entries(state).sort(([a], [b]) => (a < b ? -1 : 1))), undefined, 1);
}

/** Everything foreign, byte for byte: whole rows by uuid, and foreign keys in rows of the agent. */
export async function foreignState(rig: Rig): Promise<ReadonlyMap<string, string>> {
  const state = new Map<string, string>();
  for (const [table, columns] of Object.entries(userColumns) as [Table, readonly string[]][]) {
    for (const row of await rig.rows(table, columns)) {
      const name = String(row['name']);
      const uuid = String((row['_uuid'] as string[])[1]);
      if (name.startsWith('foreign')) state.set(`${table} ${uuid}`, JSON.stringify(row));
      const keys = Object.entries({ ...mapColumn(row['external_ids']) }).filter(([key]) => isForeignKey(key));
      for (const [key, value] of keys) state.set(`${table} ${uuid} ${key}`, value);
    }
  }
  const root = await rig.rows('Open_vSwitch', ['external_ids', 'other_config']);
  state.set('Open_vSwitch', JSON.stringify(root));
  return state;
}

type Entries = Readonly<Record<string, string>>;

function entriesOf(state: ReadonlyMap<string, string>): Entries {
  return Object.fromEntries([...state].sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Act {
  readonly name: string;
  readonly isPossible?: (chaos: Chaos) => boolean;
  readonly perform: (chaos: Chaos) => Promise<unknown>;
}

const vsctl =
  (...args: readonly string[]) =>
  (chaos: Chaos): Promise<unknown> =>
    // A person's command fails when what it names is just not there.
    chaos.rig.lab.vsctl('--no-wait', ...args).catch(String);

const whileServed = (chaos: Chaos): boolean => chaos.isServed;

function edit(...args: readonly string[]): Act {
  return { name: `ovs-vsctl ${args.join(' ')}`, isPossible: whileServed, perform: vsctl(...args) };
}

const edits: readonly Act[] = [
  ...ownPorts.map((name) => edit('--if-exists', 'del-port', name)),
  ...ownBridges.map((name) => edit('--if-exists', 'del-br', name)),
  edit('set', 'Port', 'rep0-1', 'tag=999'),
  edit('clear', 'Port', 'rep0-1', 'tag'),
  edit('set', 'Port', 'rep0-2', 'trunks=1,2', 'vlan_mode=trunk'),
  edit('set', 'Interface', 'rep0-1', 'ofport_request=77', 'mtu_request=1400'),
  edit('set', 'Interface', 'p-int', 'options:peer=nowhere'),
  edit('clear', 'Interface', 'p-sfc', 'options'),
  edit('set', 'Interface', 'int0', 'type=patch'),
  edit('clear', 'Interface', 'rep0-2', 'external_ids'),
  edit('clear', 'Port', 'rep0-1', 'external_ids', '--', 'clear', 'Interface', 'rep0-1', 'external_ids'),
  edit('clear', 'Bridge', 'br-int', 'external_ids'),
  edit('clear', 'Bridge', 'br-sfc', 'external_ids', '--', 'clear', 'Port', 'br-sfc', 'external_ids'),
  edit('remove', 'Bridge', 'br-int', 'external_ids', 'dpu-agent-owner'),
  edit('set', 'Bridge', 'br-int', 'external_ids:dpu-agent-keys=rubbish'),
  edit('set', 'Bridge', 'br-int', 'fail_mode=standalone'),
  edit('del-fail-mode', 'br-sfc'),
  edit('set', 'Bridge', 'br-int', 'other_config:datapath-id=00000000deadbeef'),
  edit('set', 'Bridge', 'br-sfc', 'other_config:hwaddr=02:66:66:66:66:66', 'protocols=OpenFlow10'),
  edit('clear', 'Bridge', 'br-int', 'other_config'),
  edit('set', 'Bridge', 'br-int', 'external_ids:foreign-key=b1'),
  edit('set', 'Port', 'p-int', 'external_ids:foreign-key=p1'),
  edit('set', 'Interface', 'rep0-2', 'external_ids:foreign-key=i1'),
  edit('--may-exist', 'add-br', 'foreign-br', '--', 'set', 'Bridge', 'foreign-br', 'other_config:x=y'),
  edit('--may-exist', 'add-port', 'br-int', 'foreign0', '--', 'set', 'Port', 'foreign0', 'tag=7'),
  edit('--may-exist', 'add-port', 'br-sfc', 'foreign1', '--', 'set', 'Interface', 'foreign1', 'external_ids:a=b'),
  edit('--if-exists', 'del-port', 'foreign0'),
  edit('set', 'Open_vSwitch', '.', 'external_ids:foreign-key=root'),
];

const daemonActs: readonly Act[] = [
  {
    name: 'kill -9 ovs-vswitchd',
    isPossible: (chaos) => chaos.isSwitching,
    perform: async (chaos) => {
      await chaos.rig.lab.killVswitchd();
      chaos.isSwitching = false;
    },
  },
  {
    name: 'start ovs-vswitchd',
    isPossible: (chaos) => !chaos.isSwitching && chaos.isServed,
    perform: (chaos) => chaos.startVswitchd(),
  },
  {
    name: 'kill ovsdb-server and start it again',
    isPossible: (chaos) => chaos.isServed && chaos.serverKillsLeft > 0,
    perform: async (chaos) => {
      chaos.serverKillsLeft -= 1;
      await chaos.rig.lab.killOvsdbServer(chaos.random() < 0.5 ? 'SIGKILL' : 'SIGTERM');
      await chaos.rig.lab.startOvsdbServer();
    },
  },
  {
    name: 'kill -9 the agent and start it again',
    perform: async (chaos) => {
      // At a random instant: some calls of the server's time after whatever came before.
      const callCount = Math.floor(chaos.random() * 60);
      for (let call = 0; call < callCount && chaos.isServed; call += 1) await chaos.rig.lab.rawCall('echo', []);
      await chaos.agent.kill();
      chaos.agent.start();
    },
  },
];

/** One run of mischief. */
export class Chaos {
  readonly rig: Rig;
  readonly agent: AgentProcess;
  readonly random: () => number;
  isServed = true;
  isSwitching = true;
  /** Each costs vswitchd seconds of its own backoff. */
  serverKillsLeft = 1;
  readonly done: string[] = [];
  #foreign: ReadonlyMap<string, string> = new Map();

  constructor(rig: Rig, agent: AgentProcess, seed: number) {
    this.rig = rig;
    this.agent = agent;
    this.random = seeded(seed);
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)] as T;
  }

  async step(): Promise<void> {
    const acts = this.random() < 0.75 ? edits : daemonActs;
    const possible = acts.filter((act) => act.isPossible?.(this) ?? true);
    const act = this.#pick(possible);
    this.done.push(act.name);
    await act.perform(this);
    this.#foreign = await foreignState(this.rig);
  }

  /** Foreign rows and keys as the last step left them, and as they are now: nobody but the agent acted in between. */
  async foreign(): Promise<readonly [before: Entries, now: Entries]> {
    const now = await foreignState(this.rig);
    return [entriesOf(this.#foreign), entriesOf(now)];
  }

  async startVswitchd(): Promise<void> {
    await this.rig.lab.startVswitchd();
    this.isSwitching = true;
  }

  async begin(): Promise<void> {
    this.#foreign = await foreignState(this.rig);
  }

  /** Everything runs again; what the agent does about it is its business. */
  async calm(): Promise<void> {
    if (!this.isSwitching) await this.startVswitchd();
  }
}
