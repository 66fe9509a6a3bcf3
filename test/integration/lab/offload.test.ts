/** What Open vSwitch itself shows of offload where there is no hardware: what the tests of the agent rest on. */
import { describe, expect, it } from 'vitest';
import { dumpFlows, makeDummySwitch, pmdArgs, receive } from '../offload/dummy-switch.js';
import { eventually } from './daemon.js';
import { ovsBuilds } from './ovs-builds.js';
import { OvsLab } from './ovs.js';

const turnOn = ['set', 'Open_vSwitch', '.', 'other_config:hw-offload=true'];

describe.each(ovsBuilds())('Open vSwitch $version without hardware', (build) => {
  it('has simulated hardware carry flows, or mark their packets, and says what it can of it', async () => {
    await using lab = await OvsLab.start({ ...build.lab, vswitchd: true, vswitchdArgs: pmdArgs });
    await lab.vsctl(...turnOn);
    await makeDummySwitch(lab, { datapathType: 'dummy' });
    for (const port of ['rep0-1', 'rep0-2', 'rep0-4'] as const) await receive(lab, port, 5);
    await receive(lab, 'rep0-3', 3, { udpPort: 4096 });
    await receive(lab, 'rep0-3', 3, { udpPort: 4097 });
    const dump = await eventually(async () => {
      const seen = await dumpFlows(lab);
      return seen.packets >= 5 - 1 + 2 * (5 - 1) + (5 - 1) + 2 * (3 - 1) ? seen : undefined;
    }, 'every packet but the first of each flow is counted');
    // Whole: one of rep0-1, two of rep0-3. In part: two of rep0-2, tracked and recirculated, and one of rep0-4.
    expect(dump.flows).toBe(6);
    expect(dump.lines.every((line) => line.includes(', dp:'))).toBe(true);
    const [offloaded, partial, none] = await Promise.all(
      ['type=offloaded', 'type=partially-offloaded', 'type=non-offloaded'].map((type) => dumpFlows(lab, type)),
    );
    expect([offloaded?.flows, partial?.flows, none?.flows]).toEqual(build.simulatesHardware ? [3, 3, 0] : [0, 0, 6]);
    expect([dump.offloaded, dump.partial]).toEqual(build.simulatesHardware ? [3, 3] : [0, 0]);
    // 3.1 marks packets too, and does not say so of the flow.
    const perf = await lab.appctl('dpif-netdev/pmd-perf-show', '-nh');
    expect(Number(/PHWOL hits: +(\d+)/.exec(perf)?.[1])).toBeGreaterThan(0);
  });

  it('says whether offload is on: by a refusal of its own, or by a command for it', async () => {
    await using lab = await OvsLab.start({ ...build.lab, vswitchd: true, vswitchdArgs: pmdArgs });
    await makeDummySwitch(lab, { datapathType: 'netdev' });
    const ask = (command: string): Promise<string> => lab.appctl(command).catch(String);
    const isOn = async (): Promise<boolean> =>
      build.tellsProviders
        ? (await ask('dpif/offload/show')).includes('enabled: true')
        : !(await ask('dpctl/offload-stats-show')).includes('Invalid argument');
    expect(await isOn()).toBe(false);
    // From 3.7 on the other command answers in any case, so its answer proves nothing there.
    expect((await ask('dpctl/offload-stats-show')).includes('Invalid argument')).toBe(!build.tellsProviders);
    await lab.vsctl(...turnOn);
    expect(await isOn()).toBe(true);
    await lab.vsctl('set', 'Open_vSwitch', '.', 'other_config:hw-offload=false');
    expect(await isOn()).toBe(true);
    await lab.killVswitchd();
    await lab.startVswitchd();
    expect(await isOn()).toBe(false);
  });
});
