import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { ensureBuilt, mainFile } from './build.js';
import { agentSays, replaceFile, Rig } from './rig.js';
import { eventually } from '../lab/daemon.js';

const bridges = (...names: readonly string[]): object => ({ bridges: names.map((name) => ({ name })) });
const listed = async (rig: Rig): Promise<string> => (await rig.lab.vsctl('list-br')).trim().split('\n').join(' ');

describe('the agent, when its configuration changes', () => {
  it('takes over a new file without a restart, and says which parts need one', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const agent = await rig.agent({ ...bridges('br-a') });
    await agent.ready(0);
    await replaceFile(rig.configFile, rig.configText({ ...bridges('br-a', 'br-b'), log: { level: 'debug' } }));
    await eventually(async () => (await listed(rig)) === 'br-a br-b', 'the second bridge is there');
    await agent.ready(Date.now());
    expect(agent.log).toContain('configuration loaded anew');
    expect(agent.log).toMatch(/"parts":\["log"\].*need a restart/);
  });

  it('keeps the old configuration when the new file is wrong, says so once, and goes on guarding the switch', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const agent = await rig.agent({ ...bridges('br-a') });
    await agent.ready(0);
    await replaceFile(rig.configFile, rig.configText({ bridges: [{ name: 'br-b', failmod: 'secure' }] }));
    await eventually(() => agent.log.includes('the old one stays in force'), 'the agent complains');
    expect(agent.log).toContain('CONFIG_INVALID');
    process.kill(agent.pid!, 'SIGHUP');
    await rig.lab.vsctl('--no-wait', 'del-br', 'br-a');
    await eventually(async () => (await listed(rig)) === 'br-a', 'the old bridge is kept');
    await agentSays(agent, ({ appliedRounds }) => appliedRounds === 2, 'it wrote twice');
    expect(agent.log.match(/the old one stays in force/g)).toHaveLength(1);
    await replaceFile(rig.configFile, rig.configText({ ...bridges('br-a', 'br-c') }));
    await eventually(async () => (await listed(rig)) === 'br-a br-c', 'the corrected file is in force');
  });

  it('follows the exchange of a ConfigMap link, and a SIGHUP where no event comes', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    await ensureBuilt();
    const mount = join(rig.lab.dir, 'mount');
    const runDir = join(rig.lab.dir, 'agent');
    const version = async (name: string, text: string): Promise<void> => {
      await mkdir(join(mount, name), { recursive: true });
      await writeFile(join(mount, name, 'config.yaml'), text);
    };
    await version('..1', rig.configText({ ...bridges('br-a') }, runDir));
    await symlink('..1', join(mount, '..data'));
    await symlink('..data/config.yaml', join(mount, 'config.yaml'));
    const agent = new AgentProcess(mainFile, join(mount, 'config.yaml'), rig.lab.dir, undefined);
    try {
      agent.start();
      await agent.ready(0);
      await version('..2', rig.configText({ ...bridges('br-a', 'br-b') }, runDir));
      await symlink('..2', join(mount, '..data_tmp'));
      await rename(join(mount, '..data_tmp'), join(mount, '..data'));
      await eventually(async () => (await listed(rig)) === 'br-a br-b', 'the new version is in force');
      // A change behind the links gives no event in the directory that is watched.
      await version('..2', rig.configText({ ...bridges('br-a', 'br-b', 'br-c') }, runDir));
      process.kill(agent.pid!, 'SIGHUP');
      await eventually(async () => (await listed(rig)) === 'br-a br-b br-c', 'the signal was heard');
    } finally {
      await agent.stop();
    }
  });

  it('ends in order on SIGTERM, leaves the switch as it is, and does not write when it comes back', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const agent = await rig.agent({ ...bridges('br-a') });
    await agent.ready(0);
    const records = (await rig.transactions()).length;
    await agent.stop();
    expect(agent.log).toContain('agent ended');
    expect(await listed(rig)).toBe('br-a');
    agent.start();
    const ready = await agent.ready(Date.now());
    expect(ready.appliedRounds).toBe(0);
    expect((await rig.transactions()).length).toBe(records);
  });
});
