/** A day of a DPU: it boots, runs, gets its settings, loses OVS-DOCA in an upgrade, and is put right by a restart. */

import { describe, expect, it } from 'vitest';
import { known } from '../../src/model/fact.js';
import type { ObservedRoot } from '../../src/model/observed.js';
import { offloadLimitsDefault } from '../../src/offload/offload-facts.js';
import { OffloadRecord } from '../../src/offload/offload-record.js';
import type { MachineSlowReading } from '../../src/offload/readings.js';
import { hostPf, uplink, vf } from '../fakes/offload-facts.js';
import { lifeOf, machineReading, quickReading, slowReading, toolsReading } from '../fakes/offload-readings.js';
import { bridgeRow, mapOf, owner, portRow, rootRow } from '../fakes/plan-rows.js';

const minute = 60_000;
const names = ['p0', 'pf0vf0', 'pf0vf1'];
const declared = mapOf({
  'doca-init': 'true',
  'hw-offload': 'true',
  'hw-offload-ct-size': '500000',
  'max-idle': '20000',
});
const columns = { dpdk: true, doca: true };
const docaRoot: Partial<ObservedRoot> = {
  ...{ initColumns: columns, isDpdkInitialized: true, isDocaInitialized: true },
  ...{ datapathTypes: ['netdev', 'system'], ifaceTypes: ['doca', 'dpdk', 'internal'], docaVersion: '3.1' },
};
const plainRoot: Partial<ObservedRoot> = {
  ...{ initColumns: columns, isDpdkInitialized: false, isDocaInitialized: false },
  ...{ datapathTypes: ['netdev', 'system'], ifaceTypes: ['internal', 'system'] },
};

class Day {
  readonly record = new OffloadRecord({ declared, limits: offloadLimitsDefault, owner, nowMs: 0 });
  nowMs = 0;
  root: Partial<ObservedRoot> = plainRoot;
  stored: Record<string, string> = {};
  platform: MachineSlowReading['platform'] = known('running');
  life = lifeOf(100, 0);
  isRunning = false;
  isBroken = false;
  #isGapless = false;

  constructor() {
    this.record.noteDevices(new Map([uplink, hostPf, vf(0), vf(1)].map((one) => [one.name, one])), 0);
  }

  /** Everything is read, again and again, for so long. */
  pass(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 10_000) this.#look();
  }

  /** An ovs-vswitchd begins to run some seconds after the last one ended. */
  start(pid: number, root: Partial<ObservedRoot>): void {
    this.life = lifeOf(pid, this.nowMs - 3_000);
    this.root = root;
    this.isRunning = true;
  }

  findings(): readonly string[] {
    return this.record.report(this.nowMs).findings.map(({ reason, subject }) => `${reason} ${subject.name}`.trim());
  }

  verdict(key: string): string | undefined {
    return this.record.settings().find((result) => result.key === key)?.verdict;
  }

  #look(): void {
    const { record, nowMs, life } = this;
    const ofport = this.isBroken ? { ofport: -1, error: 'Address family not supported by protocol' } : { ofport: 3 };
    const ports = names.map((name) => portRow(name, 'br-int', {}, { type: 'doca', mtu: 1_500, ...ofport }));
    record.noteSwitch(
      {
        root: rootRow({ ...this.root, otherConfig: mapOf(this.stored) }),
        bridges: new Map([['br-int', bridgeRow('br-int', { datapathType: 'netdev' })]]),
        ports: new Map(ports.map((port) => [port.name, port])),
      },
      this.#isGapless,
      nowMs,
    );
    this.#isGapless = true;
    record.noteMachine(machineReading(nowMs, { uptimeMs: known(30_000 + nowMs) }));
    record.noteTools(toolsReading(nowMs, { platform: this.platform }));
    if (!this.isRunning) {
      record.noteNoDaemon('ovs-vswitchd has no pid file', nowMs);
      return;
    }
    const isDoca = this.root.isDocaInitialized === true;
    const insertion = { enqueued: 0, inserted: 50, connectionsBoth: 9, connectionsOne: 1 };
    record.noteQuick(
      quickReading(nowMs, {
        life,
        upcalls: known([
          { name: 'netdev@ovs-netdev', flows: 60, flowLimit: 10_000, offloaded: isDoca ? 50 : 0, dumpMs: 1 },
        ]),
        insertion: isDoca
          ? known({ ...insertion, latencyMean: undefined, latencyDeviation: undefined })
          : known('refused'),
      }),
    );
    record.noteSlow(
      slowReading(nowMs, { life, polledPorts: known(new Set(names)), datapaths: known(['netdev@ovs-netdev']) }),
    );
  }
}

describe('a day of a DPU', () => {
  it('is told as it goes', () => {
    const day = new Day();

    // It boots: the platform configures the card, and nothing is judged.
    day.pass(minute);
    expect(day.record.report(day.nowMs)).toMatchObject({
      findings: [],
      waiting: expect.stringContaining('mlnx_bf_configure') as string,
    });

    // The platform writes the keys and starts OVS-DOCA.
    day.stored = { 'doca-init': 'true', 'hw-offload': 'true', 'hw-offload-ct-size': '500000' };
    day.pass(10_000);
    day.start(100, docaRoot);
    day.pass(minute);
    day.platform = known('over');
    day.pass(minute);
    expect(day.findings()).toEqual([]);
    expect(day.record.engine()?.kind).toBe('doca');
    expect(day.record.isInEffect().value).toBe(true);
    expect(['doca-init', 'hw-offload', 'hw-offload-ct-size'].map((key) => day.verdict(key))).toEqual([
      'inEffect',
      'inEffect',
      'inEffect',
    ]);
    expect(day.record.connections()[0]).toEqual({ table: 'hardware', count: 10, limit: 500_000 });
    expect(day.record.facts(day.nowMs).process).toMatchObject({ value: { isSuccessor: false } });

    // One declared key applies live: it is the only one that is ever written.
    expect(day.record.edits()).toEqual([{ key: 'max-idle', from: undefined, to: '20000' }]);
    day.stored = { ...day.stored, 'max-idle': '20000' };
    // The answer to a question that was asked late enough proves it.
    day.pass(20_000);
    expect([day.record.edits(), day.verdict('max-idle')]).toEqual([[], 'inEffect']);

    // Somebody stores another size: the daemon keeps the one that it has.
    day.stored = { ...day.stored, 'hw-offload-ct-size': '100000' };
    day.pass(10_000);
    expect(day.record.connections()[0]?.limit).toBe(500_000);
    expect(day.verdict('hw-offload-ct-size')).toBe('inEffect');
    day.stored = { ...day.stored, 'hw-offload-ct-size': '500000' };
    day.pass(10_000);

    // An upgrade takes DOCA away.
    expect(day.record.takeEvents()).toEqual([]);
    day.isRunning = false;
    day.pass(10_000);
    day.isBroken = true;
    day.start(200, plainRoot);
    day.pass(minute);
    expect(day.record.takeEvents()).toMatchObject([{ isRegress: true, from: { kind: 'doca' }, to: { kind: 'none' } }]);
    expect(day.record.isInEffect().value).toBe(false);
    expect(day.findings()).toEqual(
      expect.arrayContaining([
        'VswitchdRestarted',
        'RestartRequired doca-init',
        'HwOffloadNotInEffect',
        'EngineNotInitialized',
        'EngineRegressed',
        'InterfaceError p0',
      ]),
    );
    expect(day.record.restart()?.keys).toContain('doca-init');
    expect(day.record.edits()).toEqual([]);

    // A person puts it right and restarts it.
    day.isRunning = false;
    day.pass(10_000);
    day.isBroken = false;
    day.start(300, docaRoot);
    day.pass(minute);
    expect(day.findings()).toEqual(['VswitchdRestarted']);
    expect(day.record.takeEvents()).toMatchObject([{ isRegress: false, to: { kind: 'doca' } }]);
    expect(day.record.restart()).toBeUndefined();
    day.pass(15 * minute);
    expect(day.findings()).toEqual([]);
  });
});
