/**
 * That the rights which the chart gives to a pod are enough and take effect: by the same user, groups, capabilities and
 * `no_new_privs` as a container runtime would set them (setpriv), the kernel decides, and the agent reaches a real Open vSwitch.
 */

import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AgentApi } from '../../../src/sandbox/agent-api.js';
import { Daemon, eventually } from '../../../src/sandbox/lab/daemon.js';
import { ensureBuilt, mainFile } from '../agent/build.js';
import { Rig } from '../agent/rig.js';
import { podSpec, presets, renderObjects, type PodSpec, type Values } from './manifests.js';

const run = promisify(execFile);
/** Bits of linux/capability.h. */
const bits = { DAC_OVERRIDE: 1, NET_ADMIN: 12, SYS_PTRACE: 19 } as const;
type Capability = keyof typeof bits;

/** A command with the rights of a container, as a runtime gives them. */
function asContainer({ securityContext, containers }: PodSpec, command: readonly string[]): readonly string[] {
  const { runAsUser, runAsGroup, supplementalGroups = [] } = securityContext;
  const { capabilities, allowPrivilegeEscalation } = containers[0].securityContext;
  if (allowPrivilegeEscalation) throw new Error('the chart never allows it');
  const bounding = ['-all', ...(capabilities.add ?? []).map((name) => `+${name.toLowerCase()}`)].join(',');
  const groups = supplementalGroups.length === 0 ? '--clear-groups' : `--groups=${supplementalGroups.join(',')}`;
  const ids = [`--reuid=${runAsUser}`, `--regid=${runAsGroup}`, groups];
  return ['setpriv', ...ids, '--no-new-privs', '--inh-caps=-all', `--bounding-set=${bounding}`, '--', ...command];
}

const specOf = (name: string): PodSpec => {
  const [, values = {}] = presets().find(([file]) => file === `${name}-values.yaml`) ?? [];
  return podSpec(renderObjects(values));
};

/** What the kernel lets a process of the pod do that sets the MTU of a device, in a network of its own. */
async function setMtu(spec: PodSpec): Promise<string> {
  const inside = asContainer(spec, ['ip', 'link', 'set', 'dev', 'lo', 'mtu', '1400']);
  const { stderr } = await run('unshare', ['--net', '--', ...inside]).catch(
    (error: unknown) => error as { stderr: string },
  );
  return stderr;
}

describe('the kernel', () => {
  it('lets the pod that attaches set links', async () => {
    expect(await setMtu(specOf('attach'))).toBe('');
  });

  it('lets no other do so', async () => {
    expect(await setMtu(specOf('default'))).toMatch(/not permitted/);
  });

  it('gives an added capability to root alone, which is why the chart refuses it for others', async () => {
    const spec = specOf('attach');
    const other = { ...spec, securityContext: { ...spec.securityContext, runAsUser: 65532, runAsGroup: 65532 } };
    expect(await setMtu(other)).toMatch(/not permitted/);
  });
});

describe('the agent', () => {
  const open: AsyncDisposable[] = [];
  beforeAll(() => ensureBuilt(), 120_000);
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
  });

  /** Starts the agent with the rights of a pod, and waits until it has read the switch and seen that it lives. */
  async function start(rig: Rig, spec: PodSpec, input: Values): Promise<number> {
    const dir = join(rig.lab.dir, 'agent');
    const { runAsUser, runAsGroup } = spec.securityContext;
    await mkdir(dir, { recursive: true });
    await chown(dir, runAsUser, runAsGroup);
    await writeFile(rig.configFile, rig.configText(input));
    const command = [process.execPath, mainFile, 'run', '--config', rig.configFile];
    const daemon = new Daemon(asContainer(spec, command), { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' });
    open.push({ [Symbol.asyncDispose]: () => daemon.stop() });
    daemon.start();
    const api = new AgentApi(join(dir, 'api.sock'));
    try {
      await eventually(async () => {
        if (!daemon.isRunning) throw new Error(daemon.output);
        const status = await api.status().catch(() => undefined);
        return status?.ovsdb.kind === 'synced' && status.vswitchd === 'alive' && status.isReady;
      }, 'the agent is ready');
    } catch (cause) {
      throw new Error(`the agent is not ready:\n${daemon.output.slice(-3_000)}`, { cause });
    } finally {
      api.close();
    }
    return daemon.pid ?? 0;
  }

  async function rights(pid: number): Promise<Readonly<Record<string, string>>> {
    const text = await readFile(`/proc/${pid}/status`, 'utf8');
    return Object.fromEntries(text.split('\n').map((line) => line.split(/:\s+/) as [string, string]));
  }

  const maskOf = (...names: readonly Capability[]): string =>
    names
      .reduce((mask, name) => mask | (1n << BigInt(bits[name])), 0n)
      .toString(16)
      .padStart(16, '0');

  async function openRig(): Promise<Rig> {
    const rig = await Rig.start({ vswitchd: true });
    open.push(rig);
    return rig;
  }

  const bridge = { bridges: [{ name: 'br-rights', mode: 'own' }] };

  it.each<[string, readonly Capability[]]>([
    ['default', []],
    ['attach', ['NET_ADMIN']],
    ['dpu-worker', ['DAC_OVERRIDE']],
    ['openshift', ['NET_ADMIN', 'DAC_OVERRIDE']],
  ])('works as root with the capabilities of the preset and no other: %s', async (name, names) => {
    const rig = await openRig();
    const seen = await rights(await start(rig, specOf(name), bridge));
    expect(seen).toMatchObject({ CapEff: maskOf(...names), CapPrm: maskOf(...names), CapBnd: maskOf(...names) });
    expect(seen).toMatchObject({ CapInh: maskOf(), CapAmb: maskOf(), NoNewPrivs: '1', Groups: '' });
    expect(await rig.lab.vsctl('list-br')).toContain('br-rights');
  });

  it('lets a caller inside the pod hand in intents, and one outside only look, for it cannot tell whose that is', async () => {
    const rig = await openRig();
    const spec = specOf('attach');
    await start(rig, spec, bridge);
    const bundle = join(rig.lab.dir, 'bundle.yaml');
    await writeFile(bundle, 'bridges: [{ name: br-asked, mode: own }]\n');
    const dpuctl = [process.execPath, join(dirname(mainFile), 'cli/dpuctl.js')];
    const call = async (command: readonly string[]): Promise<string> => {
      const [file = '', ...args] = command;
      const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
      const done = run(file, args, { env }).catch((error: unknown) => error as { stdout: string; stderr: string });
      const { stdout, stderr } = await done;
      return stdout + stderr;
    };
    const diff = [...dpuctl, 'diff', '-f', bundle, '--run-dir', join(rig.lab.dir, 'agent')];
    const status = [...dpuctl, 'status', '--run-dir', join(rig.lab.dir, 'agent')];
    // As `kubectl exec` starts it: with the rights of the container.
    expect(await call(asContainer(spec, diff))).toContain('br-asked');
    // As root of the node, who has more capabilities than the agent may look into.
    expect(await call(diff)).toMatch(/API_FORBIDDEN: unknown process/);
    expect(await call(status)).toContain('br-rights');
  });

  it('reaches sockets of another user with DAC_OVERRIDE, and not without', async () => {
    const rig = await openRig();
    for (const name of await readdir(rig.lab.runDir)) await chown(join(rig.lab.runDir, name), 65531, 65531);
    await chown(rig.lab.socket, 65531, 65531);
    const connect = async (name: string): Promise<string> => {
      const [file = '', ...args] = asContainer(specOf(name), [
        'ovs-vsctl',
        `--db=unix:${rig.lab.socket}`,
        '--timeout=3',
        'show',
      ]);
      const { stderr } = await run(file, args).catch((error: unknown) => error as { stderr: string });
      return stderr;
    };
    expect(await connect('dpu-worker')).toBe('');
    expect(await connect('default')).toMatch(/Permission denied/);
  });

  it('works as a user without any right, where the sockets were opened to its group', async () => {
    const rig = await openRig();
    const spec = specOf('nonroot');
    const [group = 0] = spec.securityContext.supplementalGroups ?? [];
    await rig.lab.vsctl('add-br', 'br-rights');
    await chmod(rig.lab.dir, 0o755);
    await chmod(rig.lab.runDir, 0o755);
    // As systemd/openvswitch-sockets.conf does on the host.
    const opened = [rig.lab.socket, ...(await readdir(rig.lab.runDir)).map((name) => join(rig.lab.runDir, name))];
    for (const file of opened.filter((name) => /\.(sock|mgmt|ctl)$/.test(name))) {
      await chown(file, 0, group);
      await chmod(file, 0o770);
    }
    const seen = await rights(
      await start(rig, spec, {
        bridges: [{ name: 'br-rights', mode: 'observe' }],
        agent: { repair: 'observe' },
      }),
    );
    expect(seen['Uid']).toMatch(/^65532\t65532\t/);
    expect(seen).toMatchObject({ CapEff: maskOf(), CapBnd: maskOf(), NoNewPrivs: '1' });
  });
});
