import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doctor } from '../../src/cli/doctor-command.js';
import { gatherFacts, readMachine, readStateDir, readUnits } from '../../src/cli/doctor-gather.js';
import { connectTo, recordingContext } from './steering.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'doctor-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

describe('the facts of dpuctl doctor', () => {
  it('are read from sysfs and proc', () => {
    write('sys/class/net/pf0vf0/phys_port_name', 'c1pf0vf0\n');
    write('sys/class/net/pf0vf0/phys_switch_id', 'aabb\n');
    write('sys/class/net/eth0/mtu', '1500\n');
    write('sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages', '512\n');
    write('sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages', '12\n');
    write('proc/meminfo', 'MemTotal:       1024 kB\nMemAvailable:    512 kB\n');
    expect(readMachine(root)).toEqual({
      devices: [{ name: 'pf0vf0', portName: 'c1pf0vf0', switchId: 'aabb' }],
      hugePages: [{ sizeBytes: 2 ** 21, total: 512, free: 12 }],
      memoryBytes: 2 ** 20,
      memoryAvailableBytes: 2 ** 19,
    });
  });

  it('name files of the state directory that were set aside', () => {
    write('intents/fleet.json.damaged', '');
    write('chains.json', '');
    expect(readStateDir(root)).toMatchObject({ isWritable: true, damaged: ['intents/fleet.json.damaged'] });
    expect(() => readStateDir(join(root, 'none'))).toThrow();
  });

  it('tell units that are enabled from those that are only there', () => {
    expect(() => readUnits(root)).toThrow('systemd does not run here');
    mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
    write('usr/lib/systemd/system/openvswitch-switch.service', '');
    write('etc/systemd/system/dpu-node-agent.service', '');
    mkdirSync(join(root, 'etc/systemd/system/multi-user.target.wants'));
    symlinkSync('x', join(root, 'etc/systemd/system/multi-user.target.wants/dpu-node-agent.service'));
    expect(readUnits(root)).toEqual([
      { name: 'dpu-node-agent.service', isInstalled: true, isEnabled: true },
      { name: 'openvswitch-switch.service', isInstalled: true, isEnabled: false },
      { name: 'openvswitch.service', isInstalled: false, isEnabled: false },
    ]);
  });

  it('are gathered without an agent and without Open vSwitch, and lead to exit status 3', async () => {
    const connection = connectTo(join(root, 'no.sock'));
    try {
      const context = recordingContext(connection);
      const places = { ovsRunDir: root, configFile: join(root, 'none.yaml'), stateDir: root };
      const facts = await gatherFacts(context, places);
      expect(facts.status).toMatchObject({ kind: 'unknown' });
      expect(facts.database).toMatchObject({ kind: 'unknown' });
      expect(facts.vswitchd).toMatchObject({ kind: 'unknown' });
      expect(facts.stateDir).toMatchObject({ kind: 'known', value: { path: root } });
      expect(await doctor(context, facts)).toBe(3);
      const text = context.printed.join('');
      expect(text).toMatch(/FAIL +agent-answers +no agent answers at unix:/);
      expect(text).toMatch(/What to do:\n {2}agent-answers: See systemctl status dpu-node-agent/);
    } finally {
      connection.close();
    }
  });
});
