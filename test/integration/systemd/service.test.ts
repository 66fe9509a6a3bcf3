/**
 * The unit under a real systemd, with Debian's Open vSwitch beside it: one machine for all, each test begins with the service as it
 * needs it. The limits of memory and CPU are not tried: systemd has no controllers of its own in a container on control groups
 * of version 1.
 */

import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../lab/daemon.js';
import * as agent from './installed.js';
import { Machine } from './machine.js';

/** Watchdog and limits of time that a test can wait for. */
const fast = ['[Service]', 'WatchdogSec=2', 'TimeoutStartSec=3', 'RestartSec=100ms'];
const bundleFile = '/usr/libexec/dpu-node-agent/dpu-node-agent.mjs';

let machine: Machine;

/** The service runs with these lines beside the unit, and with the configuration of the installation. */
async function running(...lines: readonly string[]): Promise<void> {
  machine.write(agent.configFile, agent.config);
  await machine.run('systemctl', 'stop', agent.service);
  await agent.override(machine, ...lines);
  await agent.begin(machine);
  await agent.reaches(machine, 'active');
}

/** `systemctl stop`, with the time that it took, ms. */
async function stopped(): Promise<number> {
  const beginMs = performance.now();
  await machine.run('systemctl', 'stop', agent.service);
  return performance.now() - beginMs;
}

async function uptimeMs(): Promise<number> {
  return Number((await machine.run('cat', '/proc/uptime')).split(' ')[0]) * 1_000;
}

async function statusField(name: string): Promise<string> {
  return (await machine.run('cat', `/proc/${await agent.mainPid(machine)}/status`))
    .split('\n')
    .filter((line) => line.startsWith(`${name}:`))
    .join('')
    .replace(/^\w+:\s*/, '');
}

beforeAll(async () => {
  machine = await Machine.boot();
  await agent.install(machine);
}, 600_000);

// Undefined where it did not boot.
afterAll(async () => (machine as Machine | undefined)?.close(), 60_000);

describe('the service', () => {
  it('is what systemd understands', async () => {
    const helper = ['service', 'path', 'timer'].map((kind) => `dpu-node-agent-sockets.${kind}`);
    const units = [agent.service, ...helper];
    const { code, stdout, stderr } = await machine.tryRun('systemd-analyze', 'verify', ...units);
    expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: '' });
  });

  it('is not ready while Open vSwitch is not there, waits past the time for a start, and is ready once bridges are right', async () => {
    await machine.run('systemctl', 'stop', 'openvswitch-switch', 'ovs-vswitchd', 'ovsdb-server');
    await agent.override(machine, ...fast);
    await agent.begin(machine);
    await agent.waitsForDatabase(machine);
    const pid = await agent.mainPid(machine);
    const sinceMs =
      Number((await machine.show(agent.service, 'InactiveExitTimestampMonotonic'))['InactiveExitTimestampMonotonic']) /
      1_000;
    await eventually(async () => (await uptimeMs()) > sinceMs + 3_500, 'the time for a start is over');
    expect([await agent.stateOf(machine), await agent.mainPid(machine)]).toEqual(['activating', pid]);

    await machine.run('systemctl', 'start', 'ovsdb-server');
    await agent.says(machine, 'OVSDB in sync');
    expect(await agent.stateOf(machine)).toBe('activating');

    await machine.run('systemctl', 'start', 'openvswitch-switch');
    await agent.reaches(machine, 'active');
    expect((await machine.run('ovs-vsctl', 'list-br')).split('\n')).toEqual(['br-hbn', 'br-sfc', '']);
    expect(await agent.mainPid(machine)).toBe(pid);
    expect(await agent.restarts(machine)).toBe(0);
  });

  it('does not keep a target that wants it from being reached while it waits for Open vSwitch', async () => {
    await machine.run('systemctl', 'stop', agent.service, 'openvswitch-switch', 'ovs-vswitchd', 'ovsdb-server');
    try {
      await agent.override(machine);
      const units = '/run/systemd/system';
      machine.write(`${units}/boot-probe.target`, `[Unit]\nWants=${agent.service} mlnx_bf_configure.service\n`);
      // As a platform may have it: what the agent is behind is itself behind the target.
      const configure =
        '[Unit]\nAfter=boot-probe.target\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n';
      machine.write(`${units}/mlnx_bf_configure.service`, configure);
      await machine.run('systemctl', 'daemon-reload');
      // It returns when the target is reached.
      await machine.run('systemctl', 'start', 'boot-probe.target');
      await agent.waitsForDatabase(machine);
      expect(await agent.stateOf(machine)).toBe('activating');
      expect(await machine.show('mlnx_bf_configure.service', 'ActiveState')).toEqual({ ActiveState: 'active' });
    } finally {
      await machine.run('systemctl', 'start', 'openvswitch-switch');
    }
    await agent.reaches(machine, 'active');
  });

  it('starts where directories of the system are missing that others have', async () => {
    await stopped();
    const dirs = ['/media', '/opt', '/mnt'].filter((dir) => existsSync(machine.path(dir)));
    expect(dirs).toContain('/media');
    for (const dir of dirs) await machine.run('mv', dir, `${dir}.away`);
    try {
      await running();
    } finally {
      for (const dir of dirs) await machine.run('mv', `${dir}.away`, dir);
    }
  });

  it('is ready with a bridge that is not there where it is told to look only', async () => {
    await running();
    await stopped();
    const absent = '  - name: br-absent\n    datapathType: netdev\nchains:';
    machine.write(agent.configFile, `agent: { repair: observe }\n${agent.config.replace('chains:', absent)}`);
    await agent.begin(machine);
    await agent.reaches(machine, 'active');
    await agent.says(machine, /"bridge br-absent".*"ReadOnly"/);
    expect((await machine.run('ovs-vsctl', 'list-br')).split('\n')).toEqual(['br-hbn', 'br-sfc', '']);
  });

  it('runs as its own user with one capability, and nothing that it starts can have more', async () => {
    await running();
    const user = (await machine.run('id', '--user', 'dpu-node-agent')).trim();
    expect((await statusField('Uid')).split('\t')).toEqual([user, user, user, user]);
    const groups = (await machine.run('id', '--groups', 'dpu-node-agent')).trim().split(' ').sort();
    expect((await statusField('Groups')).trim().split(' ').sort()).toEqual(groups);
    const netAdmin = '0000000000001000';
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(await statusField(set)).toBe(netAdmin);
    expect([await statusField('NoNewPrivs'), await statusField('Seccomp')]).toEqual(['1', '2']);
  });

  it('can do with that what it has to: change a link in its sandbox, and not without the capability', async () => {
    await running('[Service]', 'ExecStartPost=/usr/sbin/ip link set dev svc0 up mtu 1400');
    expect(await machine.run('ip', '-o', 'link', 'show', 'svc0')).toMatch(/[<,]UP[,>].* mtu 1400 /);
    await machine.run('ip', 'link', 'set', 'dev', 'svc1', 'up');
    await agent.override(
      machine,
      '[Service]',
      'AmbientCapabilities=',
      'ExecStartPost=-/usr/sbin/ip link set dev svc0 mtu 1300',
    );
    await machine.run('systemctl', 'restart', agent.service);
    expect((await machine.show(agent.service, 'ExecStartPost'))['ExecStartPost']).toContain('code=exited ; status=1');
    expect(await machine.run('ip', '-o', 'link', 'show', 'svc0')).toContain(' mtu 1400 ');
  });

  it('writes where it may and nowhere else', async () => {
    const tries = ['/etc', '/usr', '/run', '/run/openvswitch', '/var/log', '/home', '/boot']
      .map((dir) => `touch ${dir}/x`)
      .join('; ');
    const script = `touch /var/lib/dpu-node-agent/x /run/dpu-node-agent/x; rm /var/lib/dpu-node-agent/x /run/dpu-node-agent/x; ${tries}`;
    await running('[Service]', `ExecStartPost=-/bin/sh -c '${script}; cp /bin/true /tmp/true; /tmp/true'`);
    const log = await agent.logOf(machine);
    for (const dir of ['/etc', '/usr', '/run', '/run/openvswitch', '/var/log']) {
      expect(log).toMatch(new RegExp(`cannot touch '${dir}/x': (?:Read-only file system|Permission denied)`));
    }
    expect(log).not.toMatch(/dpu-node-agent\/x/);
    expect(log).toContain('/tmp/true: Permission denied');
    const modes = [
      '/run/dpu-node-agent',
      '/run/dpu-node-agent/api.sock',
      '/var/lib/dpu-node-agent',
      '/etc/dpu-node-agent',
    ];
    const seen = await machine.run('stat', '--format=%a %U:%G', ...modes);
    const own = 'dpu-node-agent:dpu-node-agent';
    expect(seen.trim().split('\n')).toEqual([`755 ${own}`, `660 ${own}`, `750 ${own}`, '755 root:root']);
  });

  it('has of the sockets of Open vSwitch those that it needs, new ones too, and nobody else gets any', async () => {
    await running();
    await machine.run('ovs-vsctl', 'add-br', 'br-new', '--', 'set', 'bridge', 'br-new', 'datapath_type=netdev');
    const listed = async (): Promise<readonly string[]> =>
      (await machine.run('sh', '-c', 'cd /run/openvswitch; stat --format="%n %a %U:%G" *.sock *.mgmt *.ctl *.snoop'))
        .replaceAll(/\.\d+\.ctl/g, '.PID.ctl')
        .trim()
        .split('\n');
    const open = (name: string): string => `${name} 770 root:dpu-node-agent-ovs`;
    await eventually(async () => (await listed()).includes(open('br-new.mgmt')), 'the new socket is opened to it');
    const shut = ['br-hbn.snoop', 'br-new.snoop', 'br-sfc.snoop', 'ovsdb-server.PID.ctl'].map(
      (name) => `${name} 750 root:root`,
    );
    const opened = ['db.sock', 'br-hbn.mgmt', 'br-new.mgmt', 'br-sfc.mgmt', 'ovs-vswitchd.PID.ctl'].map(open);
    expect([...(await listed())].sort()).toEqual([...shut, ...opened].sort());
    await machine.run('ovs-vsctl', 'del-br', 'br-new');
    // Its own changes do not set the helper off again and again. What it does is told to the journal here, and the timer is away.
    const logged = '/run/systemd/system/dpu-node-agent-sockets.service.d/test.conf';
    machine.write(logged, '[Service]\nLogLevelMax=info\n');
    await machine.run('systemctl', 'daemon-reload');
    await machine.run('systemctl', 'stop', 'dpu-node-agent-sockets.timer');
    const runs = async (): Promise<number> =>
      (await machine.run('journalctl', '--unit', 'dpu-node-agent-sockets.service', '--output=cat')).split('Finished')
        .length;
    const before = await runs();
    await machine.run('chmod', '0750', '/run/openvswitch/db.sock');
    await eventually(async () => (await listed()).includes(open('db.sock')), 'it is opened again');
    await eventually(async () => (await runs()) > before, 'the run is over and told');
    expect((await runs()) - before).toBeLessThanOrEqual(4);
    await machine.run('systemctl', 'start', 'dpu-node-agent-sockets.timer');
  });

  it('gets a socket whose making nobody noticed, before long', async () => {
    await running();
    const timer = 'dpu-node-agent-sockets.timer';
    machine.write(`/run/systemd/system/${timer}.d/test.conf`, '[Timer]\nOnUnitInactiveSec=1s\nAccuracySec=10ms\n');
    await machine.run('systemctl', 'daemon-reload');
    expect(await machine.show(timer, 'ActiveState')).toEqual({ ActiveState: 'active' });
    await machine.run('systemctl', 'stop', 'dpu-node-agent-sockets.path');
    expect(await machine.show(timer, 'ActiveState')).toEqual({ ActiveState: 'inactive' });
    await machine.run('chmod', '0750', '/run/openvswitch/br-sfc.mgmt');
    await machine.run('systemctl', 'start', timer);
    const mode = async (): Promise<string> => machine.run('stat', '--format=%a', '/run/openvswitch/br-sfc.mgmt');
    await eventually(async () => (await mode()) === '770\n', 'the timer has opened it', 20_000);
    rmSync(machine.path(`/run/systemd/system/${timer}.d`), { recursive: true });
    await machine.run('systemctl', 'daemon-reload');
    await machine.run('systemctl', 'start', 'dpu-node-agent-sockets.path');
  });

  it('gets the sockets of an Open vSwitch that runs as another user than root, as in RHEL', async () => {
    await running();
    await machine.run('useradd', '--system', '--user-group', 'openvswitch');
    try {
      await machine.run('chown', '-R', 'openvswitch:openvswitch', '/run/openvswitch');
      await machine.run('sh', '-c', 'chmod 0750 /run/openvswitch/*.mgmt /run/openvswitch/db.sock');
      const seen = async (): Promise<string> =>
        machine.run('sh', '-c', 'cd /run/openvswitch; stat --format="%a %U:%G" db.sock br-sfc.mgmt br-hbn.mgmt');
      const open = '770 openvswitch:dpu-node-agent-ovs\n';
      await eventually(async () => (await seen()) === open.repeat(3), "they are opened and stay their owner's");
    } finally {
      await machine.run('chown', '-R', 'root:root', '/run/openvswitch');
      await machine.run('systemctl', 'start', 'dpu-node-agent-sockets.service');
      await machine.run('userdel', 'openvswitch');
    }
  });

  it('lets its own user steer and root look; a drop-in makes root known', async () => {
    await running();
    machine.write('/srv/bundle.yaml', 'bridges: []\n');
    const apply = ['apply', '--file', '/srv/bundle.yaml', '--owner', 'fleet'];
    expect((await machine.tryRun('dpuctl', 'status')).stdout).toContain('READY');
    const byRoot = await machine.tryRun('dpuctl', ...apply);
    expect(byRoot.code).not.toBe(0);
    expect(byRoot.stderr).toContain('API_FORBIDDEN');
    const byUser = await machine.tryRun('runuser', '-u', 'dpu-node-agent', '--', 'dpuctl', ...apply);
    expect(byUser).toMatchObject({ code: 0 });
    await running(
      ...readFileSync(machine.path('/usr/share/dpu-node-agent/drop-ins/20-peers.conf'), 'utf8').split('\n'),
    );
    expect(await machine.tryRun('dpuctl', ...apply)).toMatchObject({ code: 0 });
  });

  it('finds its users made at boot, on a machine of images', async () => {
    await stopped();
    machine.write(
      '/etc/systemd/system/dpu-node-agent-users.service',
      readFileSync(machine.path('/srv/agent/systemd/rhcos/dpu-node-agent-users.service')),
    );
    await machine.run('userdel', 'dpu-node-agent');
    for (const group of ['dpu-node-agent', 'dpu-node-agent-ovs']) await machine.tryRun('groupdel', group);
    await machine.run('systemctl', 'daemon-reload');
    await machine.run('systemctl', 'start', 'dpu-node-agent-users.service');
    expect(await machine.run('id', '-nG', 'dpu-node-agent')).toBe('dpu-node-agent dpu-node-agent-ovs\n');
    await running();
  });

  it('is started again when its process is stopped', async () => {
    await running(...fast);
    const [pid, before] = [await agent.mainPid(machine), await agent.restarts(machine)];
    const life = await agent.lifeOf(machine);
    await machine.run('kill', '-s', 'STOP', String(pid));
    await eventually(async () => (await agent.restarts(machine)) > before, 'the watchdog bites', 15_000);
    await agent.reaches(machine, 'active');
    expect(await agent.mainPid(machine)).not.toBe(pid);
    await agent.says(machine, 'Watchdog timeout (limit 2s)', life);
  });

  it('is started again when its event loop is blocked', async () => {
    await running(...fast, agent.inspected);
    const [pid, before] = [await agent.mainPid(machine), await agent.restarts(machine)];
    await agent.evaluateInside(machine, 'for (;;) {}');
    await eventually(async () => (await agent.restarts(machine)) > before, 'the watchdog bites', 15_000);
    await agent.reaches(machine, 'active');
    expect(await agent.mainPid(machine)).not.toBe(pid);
  });

  it('is started again when it hangs in its start', async () => {
    await machine.run('systemctl', 'stop', agent.service, 'openvswitch-switch', 'ovs-vswitchd', 'ovsdb-server');
    await agent.override(machine, ...fast);
    await agent.begin(machine);
    await agent.waitsForDatabase(machine);
    await machine.run('kill', '-s', 'STOP', String(await agent.mainPid(machine)));
    await eventually(async () => (await agent.restarts(machine)) > 0, 'it is given up', 20_000);
    await machine.run('systemctl', 'start', 'openvswitch-switch');
    await agent.reaches(machine, 'active');
  });

  it('outlives a restart of Open vSwitch', async () => {
    await running();
    const [pid, before] = [await agent.mainPid(machine), await agent.restarts(machine)];
    await machine.run('systemctl', 'restart', 'openvswitch-switch', 'ovsdb-server', 'ovs-vswitchd');
    await eventually(async () => (await agent.chainFlows(machine)).length === 2, 'the flows are back', 20_000);
    await machine.run('ip', 'link', 'set', 'dev', 'svc0', 'up');
    await machine.run('ip', 'link', 'set', 'dev', 'svc1', 'up');
    const isReady = async (): Promise<boolean> => /^READY/.test((await machine.tryRun('dpuctl', 'status')).stdout);
    await eventually(isReady, 'the agent is ready', 20_000);
    expect([await agent.stateOf(machine), await agent.mainPid(machine)]).toEqual(['active', pid]);
    expect(await agent.restarts(machine)).toBe(before);
  });

  it('is upgraded in place: flows stay the same, and go on counting', async () => {
    await running();
    await eventually(async () => (await agent.chainFlows(machine)).length === 2, 'the flows are there');
    const frame = '020000000002020000000001080045000014000000004011f0d50a0000010a000002';
    const send = `in_port=svc0 packet=${frame} actions=table`;
    for (let count = 0; count < 5; count += 1)
      await machine.run('ovs-ofctl', '-O', 'OpenFlow15', 'packet-out', 'br-sfc', send);
    const sum = (flows: readonly agent.CountedFlow[]): number => flows.reduce((all, { packets }) => all + packets, 0);
    await eventually(async () => sum(await agent.chainFlows(machine)) >= 5, 'they have counted');
    const before = await agent.chainFlows(machine);
    const pid = await agent.mainPid(machine);
    appendFileSync(machine.path('/srv/agent/dist-bundle/dpu-node-agent.mjs'), '\n// Another build.\n');
    await machine.run('sh', '/srv/agent/systemd/install.sh');
    await machine.run('systemctl', 'restart', agent.service);
    expect(await agent.mainPid(machine)).not.toBe(pid);
    expect(readFileSync(machine.path(bundleFile), 'utf8')).toContain('// Another build.');
    await agent.says(machine, '"isReady":true');
    const after = await agent.chainFlows(machine);
    expect(after.map(({ rule }) => rule)).toEqual(before.map(({ rule }) => rule));
    expect(sum(after)).toBeGreaterThanOrEqual(sum(before));
    for (const [index, flow] of after.entries())
      expect(flow.seconds).toBeGreaterThan(before[index]?.seconds ?? Infinity);
  });

  it('reads its configuration again on reload', async () => {
    await running();
    const more = agent.config.replace(
      '      - { kind: patch, name: patch-sfc-hbn',
      '      - { kind: internal, name: svc2 }\n$&',
    );
    // Beside it and then in its place: the file is watched, too, and must not be read half.
    writeFileSync(machine.path(`${agent.configFile}.new`), more);
    renameSync(machine.path(`${agent.configFile}.new`), machine.path(agent.configFile));
    await machine.run('systemctl', 'reload', agent.service);
    const ports = async (): Promise<string> => machine.run('ovs-vsctl', 'list-ports', 'br-sfc');
    await eventually(async () => (await ports()).includes('svc2'), 'the new port is there');
    await agent.reaches(machine, 'active');
    expect(await machine.show(agent.service, 'NRestarts', 'Result')).toEqual({ NRestarts: '0', Result: 'success' });
  });

  it('leaves the data path alone when it is stopped, and is gone in less than two seconds', async () => {
    await running();
    await eventually(async () => (await agent.chainFlows(machine)).length === 2, 'the flows are there');
    const view = async (): Promise<unknown> => [
      await machine.run('ovs-vsctl', '--columns=name,external_ids,datapath_type', 'list', 'Bridge'),
      await machine.run('ovs-vsctl', '--columns=name,ofport,type,external_ids,options', 'list', 'Interface'),
      (await agent.chainFlows(machine)).map(({ rule }) => rule),
    ];
    const before = await view();
    expect(await stopped()).toBeLessThan(2_000);
    expect(await view()).toEqual(before);
    expect(await machine.show(agent.service, 'Result', 'ExecMainStatus')).toEqual({
      Result: 'success',
      ExecMainStatus: '0',
    });
    expect(existsSync(machine.path('/run/dpu-node-agent'))).toBe(false);
    expect(statSync(machine.path('/var/lib/dpu-node-agent/chains.json')).size).toBeGreaterThan(0);
    expect(await machine.run('sh', '-c', 'pgrep -u dpu-node-agent || echo none')).toBe('none\n');
  });

  it('does not try a wrong configuration again and again', async () => {
    await running();
    await stopped();
    machine.write(agent.configFile, 'bridges: 7\n');
    await agent.begin(machine);
    await agent.reaches(machine, 'failed');
    expect(await machine.show(agent.service, 'Result', 'ExecMainStatus', 'NRestarts')).toEqual({
      Result: 'exit-code',
      ExecMainStatus: '2',
      NRestarts: '0',
    });
    await agent.says(machine, 'config.yaml:1:');
  });

  it('gives up what dies at once after twelve tries', async () => {
    await running();
    await stopped();
    await agent.override(machine, '[Service]', 'RestartSec=10ms', 'ExecStart=', 'ExecStart=/bin/false');
    await agent.begin(machine);
    await agent.reaches(machine, 'failed');
    // The first start is not a restart.
    await eventually(async () => (await machine.show(agent.service, 'Result'))['Result'] !== '', 'it says why');
    expect(await agent.restarts(machine)).toBeLessThanOrEqual(12);
    await agent.says(machine, 'Start request repeated too quickly');
    const { RestartUSec } = await machine.show(agent.service, 'RestartUSec');
    expect(RestartUSec).toBe('10ms');
    await agent.override(machine);
    expect(await machine.show(agent.service, 'RestartUSec')).toEqual({ RestartUSec: '5s' });
  });

  it('logs a JSON object a line, with the time and severity that it has', async () => {
    await running();
    const text = await machine.run('journalctl', `_PID=${await agent.mainPid(machine)}`, '--output=cat', '--no-pager');
    const lines = text.trim().split('\n');
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({
        level: expect.any(String) as unknown,
        time: expect.any(String) as unknown,
      });
  });
});
