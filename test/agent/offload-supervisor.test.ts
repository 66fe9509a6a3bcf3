import { describe, expect, it } from 'vitest';
import type { JournalChange } from '../../src/agent/journal.js';
import type { MachineInspector, SwitchInspector } from '../../src/agent/offload-ports.js';
import { OffloadSupervisor, type OffloadPolicy } from '../../src/agent/offload-supervisor.js';
import type { ApplyResult, StoreSnapshot } from '../../src/agent/ports.js';
import type { InterfaceTotals } from '../../src/agent/totals-watch.js';
import { AgentError } from '../../src/lib/errors.js';
import type { Finding } from '../../src/model/condition.js';
import { known, unknown } from '../../src/model/fact.js';
import type { NetdevMap } from '../../src/model/netdev.js';
import { offloadLimitsDefault } from '../../src/offload/offload-facts.js';
import type {
  DeviceCounters,
  MachineQuickReading,
  MachineSlowReading,
  SwitchQuickReading,
} from '../../src/offload/readings.js';
import type { LiveEdit } from '../../src/offload/setting-verdicts.js';
import { ManualClock } from '../config/manual-clock.js';
import { bridgeRow, mapOf, observedOf, portRow } from '../fakes/plan-rows.js';

const never = new AbortController().signal;
const cost = { tookMs: 2, mainThreadMs: 1, roundTripMs: 1 };
const none = unknown('not read in this test');
const life = { pid: 7, startedMs: 1_000 };

/** A switch, a machine and a database that do as they are told, on a clock that a test moves. */
class World {
  readonly clock = new ManualClock();
  readonly written: LiveEdit[][] = [];
  readonly journal: JournalChange[] = [];
  readonly told: (readonly Finding[])[] = [];
  readonly asked: string[] = [];
  otherConfig: Record<string, string> = {};
  datapathType = 'system';
  platform: 'running' | 'over' | 'absent' = 'absent';
  quickError: Error | undefined;
  /** A bug in what tells of devices and of their counters. */
  deviceError: Error | undefined;
  /** What the tools wait for before they answer. */
  tools: Promise<void> = Promise.resolve();
  life = life;
  totals: InterfaceTotals | undefined;
  counters: ReadonlyMap<string, DeviceCounters> | undefined;
  /** The same while no device has changed, as the inventory tells them. */
  readonly netdevs: NetdevMap = new Map();
  ifaceTypes: readonly string[] = [];
  isWriter = true;
  isConnected = true;
  readonly #listeners = new Set<() => void>();
  #snapshot: StoreSnapshot | undefined;

  readonly supervisor: OffloadSupervisor;

  constructor(policy: Partial<OffloadPolicy> = {}) {
    this.supervisor = new OffloadSupervisor(
      {
        store: {
          state: () =>
            this.isConnected
              ? { kind: 'synced', endpoint: 'unix:/db' }
              : { kind: 'connecting', message: 'away', code: undefined },
          snapshot: () => (this.isConnected ? this.#snapshot : undefined),
          isWriter: () => this.isWriter,
          apply: () => Promise.reject(new Error('the supervisor makes no ports')),
          applySettings: (edits) => this.#write(edits),
          onChange: (listener) => {
            this.#listeners.add(listener);
            return () => this.#listeners.delete(listener);
          },
        },
        devices: {
          snapshot: () => {
            if (this.deviceError !== undefined) throw this.deviceError;
            return this.netdevs;
          },
          problem: () => undefined,
          find: () => ({ kind: 'missing' }) as never,
          onChange: () => () => undefined,
        },
        inspector: this.#inspector(),
        machine: this.#machine(),
        totals: () => {
          this.asked.push('totals');
          if (this.deviceError !== undefined) throw this.deviceError;
          return this.totals;
        },
        pods: () => [],
        chains: () => [],
        clock: this.clock,
        onFindings: (findings) => this.told.push(findings),
        onJournal: (entry) => this.journal.push(entry),
        onBug: (error) => {
          if (error !== this.deviceError) throw error;
        },
      },
      {
        mode: 'apply',
        owner: 'agent-1',
        flows: 'auto',
        settings: mapOf({ 'hw-offload': 'true', 'max-idle': '20000' }),
        limits: offloadLimitsDefault,
        ...policy,
      },
    );
    this.change({});
  }

  /** The database changes. */
  change(otherConfig: Record<string, string>): void {
    this.otherConfig = otherConfig;
    this.#snapshot = {
      ...observedOf({
        root: {
          otherConfig: mapOf(otherConfig),
          ifaceTypes: this.ifaceTypes,
          isRestoreAwaited: otherConfig['flow-restore-wait'] === 'true',
        },
        bridges: [bridgeRow('br-int', { datapathType: this.datapathType })],
        ports: [portRow('p0', 'br-int')],
      }),
      qos: new Map(),
    };
    for (const listener of this.#listeners) listener();
  }

  /** Lets time pass in steps, and all that is ready run. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      await new Promise((resolve) => setImmediate(resolve));
      this.clock.advance(Math.min(left, 500));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  get reasons(): readonly string[] {
    return (this.told.at(-1) ?? []).map(({ reason }) => reason);
  }

  #write(edits: readonly LiveEdit[]): Promise<ApplyResult> {
    this.written.push([...edits]);
    this.change({ ...this.otherConfig, ...Object.fromEntries(edits.map(({ key, to }) => [key, to])) });
    return Promise.resolve({ kind: 'applied', nextCfg: undefined });
  }

  #inspector(): SwitchInspector {
    const stamp = () => ({ readAtMs: this.clock.nowMs(), wallMs: this.clock.wallMs(), cost, life: this.life });
    const quick = (): SwitchQuickReading => ({
      ...stamp(),
      version: known('3.1.0'),
      upcalls: known([{ name: 'system@ovs-system', flows: 3, flowLimit: 10_000, offloaded: 0, dumpMs: 1 }]),
      coverage: known(new Map()),
      insertion: none,
      packets: none,
    });
    return {
      readQuick: () => {
        this.asked.push('quick');
        return this.quickError === undefined ? Promise.resolve(quick()) : Promise.reject(this.quickError);
      },
      readSlow: () =>
        this.quickError === undefined
          ? Promise.resolve({
              ...stamp(),
              ...{ isOffloadEnabled: none, providerByPort: none, polledPorts: none, datapaths: none, lookups: none },
              ...{ heaps: none, connections: none, logLines: none },
            })
          : Promise.reject(this.quickError),
      readFlows: (scope) => {
        this.asked.push('flows');
        return Promise.resolve({ ...stamp(), scope, summaries: [], unknownLines: 0 });
      },
      readRules: () => Promise.resolve({ ...stamp(), rules: [] }),
      busyMs: () => undefined,
      close: () => undefined,
    };
  }

  #machine(): MachineInspector {
    const stamp = () => ({ readAtMs: this.clock.nowMs(), wallMs: this.clock.wallMs(), cost });
    return {
      readQuick: (_pid, names): Promise<MachineQuickReading> => {
        this.asked.push(names === undefined ? 'machine' : 'counters');
        return Promise.resolve({
          ...stamp(),
          ...{ memory: none, hugePages: none, process: none, connections: none },
          devices: this.counters === undefined || names === undefined ? none : known(this.counters),
          uptimeMs: known(86_400_000),
        });
      },
      readSlow: (): Promise<MachineSlowReading> =>
        this.tools.then(() => ({
          ...stamp(),
          platform: known(this.platform),
          ...{ eswitches: none, qdiscs: none, addresses: none, tcFlags: none },
        })),
      readPlatform: () => {
        this.asked.push('platform');
        return Promise.resolve(known(this.platform));
      },
    };
  }
}

describe('the supervisor of offload', () => {
  it('writes what is declared and applies live, once, and nothing else', async () => {
    const at = new World();
    at.supervisor.start();
    await at.pass(30_000);
    expect(at.written.flat().map(({ key, from, to }) => `${key} ${from} ${to}`)).toEqual([
      'max-idle undefined 20000',
      'hw-offload undefined true',
    ]);
    expect(at.journal).toMatchObject([{ summary: 'set max-idle=20000, hw-offload=true', outcome: 'applied' }]);
    await at.supervisor.close();
    expect(at.clock.timerCount).toBe(0);
  });

  it.each([
    ['told to observe', { mode: 'observe' as const }, true],
    ['another agent is the writer', {}, false],
  ])('writes nothing when %s', async (_why, policy, isWriter) => {
    const at = new World(policy);
    at.isWriter = isWriter;
    at.supervisor.start();
    await at.pass(60_000);
    expect(at.written).toEqual([]);
    expect(at.supervisor.supervision()?.settings.map(({ key }) => key)).toEqual(['hw-offload', 'max-idle']);
    await at.supervisor.close();
  });

  it.each([
    ['spares the counters of devices while ovs-vswitchd counts nothing', {}, undefined, true],
    ['reads them while ovs-vswitchd writes its own seldom', { 'stats-update-interval': '60000' }, undefined, false],
    ['reads them while ovs-vswitchd does not answer', {}, new AgentError('DEADLINE_EXCEEDED', 'no answer'), false],
  ])('%s', async (_what, otherConfig, error, isSpared) => {
    const at = new World({ mode: 'observe' });
    at.change(otherConfig);
    at.counters = new Map();
    at.totals = { atMs: 100, packets: new Map(), mtuDrops: new Map() };
    at.supervisor.start();
    await at.pass(15_000);
    at.quickError = error;
    await at.pass(20_000);
    at.asked.splice(0);
    // Before a minute has passed, after which they are read whatever was counted.
    await at.pass(20_000);
    expect([at.asked.includes('machine'), at.asked.includes('counters')]).toEqual([isSpared, !isSpared]);
    await at.supervisor.close();
  });

  it('writes nothing before the platform was looked at', async () => {
    const at = new World();
    let answer = (): void => undefined;
    at.tools = new Promise((resolve) => (answer = resolve));
    at.supervisor.start();
    await at.pass(60_000);
    expect(at.written).toEqual([]);
    answer();
    await at.pass(15_000);
    expect(at.written).toHaveLength(1);
    await at.supervisor.close();
  });

  it('goes on to judge and to count after a bug', async () => {
    const at = new World();
    at.deviceError = new TypeError('cannot read properties of undefined');
    at.supervisor.start();
    await at.pass(40_000);
    expect(at.supervisor.supervision()).toBeUndefined();
    at.deviceError = undefined;
    const before = at.asked.filter((name) => name === 'totals').length;
    // No event and no reading: only what was appointed before.
    at.quickError = new AgentError('DEADLINE_EXCEEDED', 'no answer in time');
    await at.pass(20_000);
    expect(at.supervisor.supervision()).toBeDefined();
    expect(at.asked.filter((name) => name === 'totals').length).toBeGreaterThan(before + 2);
    await at.supervisor.close();
  });

  it('looks at the platform again before it writes, and leaves the card to it', async () => {
    const at = new World();
    at.supervisor.start();
    await at.pass(30_000);
    expect(at.written).toHaveLength(1);
    at.platform = 'running';
    at.change({ 'hw-offload': 'true', 'max-idle': '1' });
    await at.pass(12_000);
    expect(at.asked).toContain('platform');
    expect(at.written).toHaveLength(1);
    at.platform = 'over';
    await at.pass(70_000);
    expect(at.written).toHaveLength(2);
    await at.supervisor.close();
  });

  it('waits with words and writes until the platform has set the card up', async () => {
    const at = new World();
    at.platform = 'running';
    at.supervisor.start();
    await at.pass(60_000);
    expect(at.supervisor.waiting()).toContain('mlnx_bf_configure');
    expect(at.written).toEqual([]);
    expect(at.told).toEqual([]);
    at.platform = 'over';
    await at.pass(90_000);
    expect(at.supervisor.waiting()).toBeUndefined();
    expect(at.written.flat()).toHaveLength(2);
    await at.supervisor.close();
  });

  it('takes over what another configuration declares', async () => {
    const at = new World({ settings: new Map() });
    at.supervisor.start();
    await at.pass(20_000);
    expect(at.written).toEqual([]);
    at.supervisor.replace({ settings: mapOf({ 'max-idle': '30000' }), limits: offloadLimitsDefault });
    await at.pass(5_000);
    expect(at.written.flat()).toMatchObject([{ key: 'max-idle', to: '30000' }]);
    await at.supervisor.close();
  });

  it.each([
    [
      '60000',
      'of software alone, in bursts, as long as the minute between two counts is known',
      ['unknown', 'software'],
    ],
    ['5000', 'of a daemon that is another every minute, which counts from zero', ['unknown']],
  ])('says nothing of hardware with statistics written every %s ms %s', async (interval, _why, allowed) => {
    const isRestarting = interval === '5000';
    const world = new World({ mode: 'observe' });
    Object.assign(world, { datapathType: 'netdev', ifaceTypes: ['dpdk'] });
    world.change({ 'hw-offload': 'true', 'stats-update-interval': interval });
    world.supervisor.start();
    let [software, written] = [0, 0];
    const verdicts = new Set<unknown>();
    for (let at = 0; at < 600; at += 5) {
      software += at % 120 === 30 ? 100_000 : 10;
      if (at % (Number(interval) / 1000) === 0) written = software;
      // The same process number, and always another process: what it counts is never much.
      if (isRestarting) world.life = { pid: 7, startedMs: 1_000 + Math.floor(at / 60) };
      world.totals = { atMs: world.clock.nowMs(), packets: new Map([['p0', written]]), mtuDrops: new Map() };
      world.counters = new Map([['p0', { ifindex: 9, packets: software, bytes: 0, cpuPackets: 0, cpuBytes: 0 }]]);
      await world.pass(5_000);
      verdicts.add(world.supervisor.evidence().interface('p0')?.verdict ?? 'unknown');
    }
    expect([...verdicts].filter((verdict) => !allowed.includes(verdict as string))).toEqual([]);
    expect(world.supervisor.supervision()?.packets.hardware).toBe(0);
    await world.supervisor.close();
  });

  it('is not at rest with one who takes a setting back again and again', async () => {
    const at = new World({ settings: mapOf({ 'max-idle': '20000' }) });
    at.supervisor.start();
    await at.pass(10_000);
    for (let round = 0; round < 120; round += 1) {
      at.change({ 'max-idle': '1' });
      await at.pass(1_000);
    }
    expect(at.written.length).toBeGreaterThan(2);
    expect(at.written.length).toBeLessThan(12);
    await at.supervisor.close();
  });

  it('tells that there is no ovs-vswitchd, and sees the next one soon', async () => {
    const at = new World();
    at.quickError = new AgentError('NOT_CONNECTED', 'ovs-vswitchd has no pid file');
    at.supervisor.start();
    await at.pass(30_000);
    const measured = (): unknown => at.supervisor.supervision()?.measurements.find(({ name }) => name === 'quick');
    expect(measured()).toMatchObject({ readings: 0, problem: expect.stringContaining('no pid file') as string });
    expect(at.written).toEqual([]);
    at.quickError = undefined;
    await at.pass(12_000);
    expect(measured()).toMatchObject({ problem: undefined });
    expect(at.written.flat()).toHaveLength(2);
    await at.supervisor.close();
  });

  it('tells of flow-restore-wait once it has stood for too long, and that it is gone', async () => {
    const at = new World({ settings: new Map() });
    at.supervisor.start();
    await at.pass(5_000);
    at.change({ 'flow-restore-wait': 'true' });
    await at.pass(30_000);
    expect(at.reasons).not.toContain('RestoreWaitStuck');
    await at.pass(60_000);
    expect(at.reasons).toContain('RestoreWaitStuck');
    at.change({});
    // It is taken back once it has stayed away.
    await at.pass(45_000);
    expect(at.reasons).not.toContain('RestoreWaitStuck');
    expect(at.written).toEqual([]);
    await at.supervisor.close();
  });

  it('tells the journal of another engine', async () => {
    const at = new World({ settings: new Map() });
    at.datapathType = 'doca';
    at.change({});
    at.supervisor.start();
    await at.pass(20_000);
    at.datapathType = 'system';
    at.change({});
    await at.pass(5_000);
    expect(at.journal.map(({ kind, summary }) => `${kind}: ${summary}`)).toEqual([
      expect.stringMatching(/^event: The offload engine was OVS-DOCA and is /),
    ]);
    await at.supervisor.close();
  });

  it('makes a dump for who asks, one for several at once', async () => {
    const at = new World({ flows: 'asked', settings: new Map() });
    at.supervisor.start();
    await at.pass(15_000);
    const question = {
      ports: new Set<string>(),
      reasons: new Set<string>(),
      countMax: 5,
      ageMsMax: 1_000,
      withRules: false,
    };
    const answers = Promise.all([1, 2].map(() => at.supervisor.softwareFlows(question, never)));
    await at.pass(2_000);
    for (const { wallMs, problems } of await answers) {
      expect(wallMs).toBeDefined();
      expect(problems).toEqual([]);
    }
    expect(at.asked.filter((name) => name === 'flows')).toHaveLength(1);
    await at.supervisor.close();
  });

  it('goes on while the database is away, and says no more of it than it knows', async () => {
    const at = new World();
    at.supervisor.start();
    await at.pass(20_000);
    at.isConnected = false;
    at.change(at.otherConfig);
    await at.pass(30_000);
    expect(at.supervisor.supervision()?.notTestable.length).toBeGreaterThan(0);
    at.isConnected = true;
    at.change(at.otherConfig);
    await at.pass(20_000);
    expect(at.written).toHaveLength(1);
    await at.supervisor.close();
  });
});
