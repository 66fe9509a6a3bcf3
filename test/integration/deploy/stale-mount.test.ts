/** The agent in a mount namespace of its own, as in a container, whose host removes Open vSwitch's directory and makes it anew. */

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AgentApi } from '../../../src/sandbox/agent-api.js';
import { Daemon, eventually } from '../../../src/sandbox/lab/daemon.js';
import { ensureBuilt, mainFile } from '../agent/build.js';
import { Rig } from '../agent/rig.js';

let rig: Rig;
beforeAll(async () => {
  await ensureBuilt();
  rig = await Rig.start({ vswitchd: true });
}, 120_000);
afterAll(() => rig[Symbol.asyncDispose]());

it('ends by itself, so that its next container sees the new directory, and that one is ready', async () => {
  const { lab } = rig;
  const view = join(lab.dir, 'view');
  const agentDir = join(lab.dir, 'agent');
  await mkdir(view, { recursive: true });
  const ovs = { ovsdb: { endpoints: [`unix:${join(view, 'db.sock')}`] }, ovs: { runDir: view } };
  await writeFile(rig.configFile, rig.configText({ ...ovs, bridges: [{ name: 'br-stale', mode: 'own' }] }));
  const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
  const agent = [process.execPath, mainFile, 'run', '--config', rig.configFile];
  const start = (): Daemon => {
    const container = [
      'unshare',
      '--mount',
      '--propagation=private',
      'sh',
      '-c',
      script,
      'sh',
      lab.runDir,
      view,
      ...agent,
    ];
    const daemon = new Daemon(container, { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' });
    daemon.start();
    return daemon;
  };
  const isReady = async (daemon: Daemon): Promise<true> => {
    const api = new AgentApi(join(agentDir, 'api.sock'));
    try {
      return await eventually(async () => {
        if (!daemon.isRunning) throw new Error(daemon.output);
        const status = await api.status().catch(() => undefined);
        return status?.isReady === true;
      }, 'the agent is ready');
    } finally {
      api.close();
    }
  };

  const first = start();
  try {
    await isReady(first);
    // As `systemctl restart` does it, which removes the RuntimeDirectory in between.
    await lab.killVswitchd('SIGTERM');
    await lab.killOvsdbServer('SIGTERM');
    await rm(lab.runDir, { recursive: true });
    await mkdir(lab.runDir);
    await lab.startOvsdbServer();
    await lab.startVswitchd();
    await eventually(() => Promise.resolve(!first.isRunning), 'the agent ends');
    expect(first.output).toContain('was removed outside of this container');
  } finally {
    await first.stop();
  }

  const second = start();
  try {
    await isReady(second);
    expect(await lab.vsctl('list-br')).toContain('br-stale');
  } finally {
    await second.stop();
  }
});
