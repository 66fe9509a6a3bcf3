import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OvsLab } from './ovs.js';

describe('the Open vSwitch lab', () => {
  it('runs a database alone and removes every trace of it', async () => {
    const lab = await OvsLab.start();
    await lab.vsctl('add-br', 'br0');
    expect((await lab.vsctl('list-br')).trim()).toBe('br0');
    const pid = lab.ovsdbServerPid!;
    await lab.stop();
    expect(existsSync(lab.dir)).toBe(false);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('runs a dummy switch that gives ports their numbers and answers on every socket', async () => {
    await using lab = await OvsLab.start({ vswitchd: true });
    await lab.vsctl('add-br', 'br0', '--', 'add-port', 'br0', 'pf0vf3');
    expect(Number(await lab.vsctl('get', 'Interface', 'pf0vf3', 'ofport'))).toBeGreaterThan(0);
    expect(await lab.appctl('version')).toContain('Open vSwitch');
    expect(await lab.serverctl('version')).toContain('Open vSwitch');
    expect(await lab.ofctl('-O', 'OpenFlow15', 'show', 'br0')).toContain('pf0vf3');
  });

  it('brings a killed switch and a killed database back', async () => {
    await using lab = await OvsLab.start({ vswitchd: true });
    await lab.killVswitchd();
    await lab.killOvsdbServer();
    await lab.startOvsdbServer();
    await lab.startVswitchd();
    await lab.vsctl('add-br', 'br1');
    expect((await lab.vsctl('list-br')).trim()).toBe('br1');
  });
});
