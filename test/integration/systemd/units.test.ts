/**
 * The files of systemd/ as they are, without a machine: their exposure as systemd sees it, the quadlet against podman's documentation
 * (podman's generator reads them, and is not to be had in every distribution that the tests run on), and what is rendered from them.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { projectRoot } from './machine.js';

const read = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');
const run = (file: string, ...args: readonly string[]): string =>
  execFileSync(file, args, { cwd: projectRoot, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });

/** Sections of a unit file, each a list of keys and values. */
function sectionsOf(text: string): ReadonlyMap<string, readonly (readonly [string, string])[]> {
  const sections = new Map<string, (readonly [string, string])[]>();
  let section: (readonly [string, string])[] = [];
  for (const line of text.split('\n').filter((entry) => entry !== '' && !entry.startsWith('#'))) {
    const name = /^\[(\w+)\]$/.exec(line)?.[1];
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) sections.set(name, (section = []));
    else if (key !== undefined && value !== undefined) section.push([key, value]);
    else throw new Error(`this is no line of a unit file: ${line}`);
  }
  return sections;
}

/** Values of a key, in order. */
function valuesOf(text: string, section: string, key: string): readonly string[] {
  return (sectionsOf(text).get(section) ?? []).filter(([name]) => name === key).map(([, value]) => value);
}

/** Keys of [Container] in podman-systemd.unit(5) of podman 5.4. */
const containerKeys = new Set(
  `AddCapability AddDevice AddHost Annotation AutoUpdate CgroupsMode ContainerName ContainersConfModule DNS DNSOption DNSSearch
  DropCapability Entrypoint Environment EnvironmentFile EnvironmentHost Exec ExposeHostPort GIDMap GlobalArgs Group GroupAdd HealthCmd
  HealthInterval HealthLogDestination HealthMaxLogCount HealthMaxLogSize HealthOnFailure HealthRetries HealthStartPeriod
  HealthStartupCmd HealthStartupInterval HealthStartupRetries HealthStartupSuccess HealthStartupTimeout HealthTimeout HostName Image IP
  IP6 Label LogDriver LogOpt Mask Mount Network NetworkAlias NoNewPrivileges Notify PidsLimit Pod PodmanArgs PublishPort Pull ReadOnly
  ReadOnlyTmpfs Rootfs RunInit SeccompProfile Secret SecurityLabelDisable SecurityLabelFileType SecurityLabelLevel SecurityLabelNested
  SecurityLabelType ShmSize StartWithPod StopSignal StopTimeout SubGIDMap SubUIDMap Sysctl Timezone Tmpfs UIDMap Ulimit Unmask User
  UserNS Volume WorkingDir`.split(/\s+/),
);

describe('the units', () => {
  it.each(['dpu-node-agent.service', 'dpu-node-agent-sockets.service'])('%s is exposed by 2.0 at most', (unit) => {
    const args = ['security', '--offline=true', '--no-pager', '--threshold=20', `systemd/${unit}`];
    // It fails above the threshold.
    const exposure = /Overall exposure level for \S+: ([\d.]+)/.exec(run('systemd-analyze', ...args))?.[1];
    expect(Number(exposure)).toBeLessThanOrEqual(2);
  });

  it('give the heap what the limit of memory leaves', () => {
    const service = read('systemd/dpu-node-agent.service');
    const [command = ''] = valuesOf(service, 'Service', 'ExecStart');
    // Node.js without a heap takes 70 MiB; the rest is for buffers and for children.
    expect(heapOf(command) + 70).toBeLessThan(limitOf(service, 'MemoryHigh'));
    expect(limitOf(service, 'MemoryHigh')).toBeLessThan(limitOf(service, 'MemoryMax'));
  });

  it.each(['dpu-node-agent.service', 'dpu-node-agent.container'])(
    '%s depends on nothing that may be missing',
    (file) => {
      const unit = sectionsOf(read(`systemd/${file}`)).get('Unit') ?? [];
      const hard = unit.filter(([key]) => /^(?:Requires|Requisite|BindsTo|PartOf)$/.test(key));
      expect(hard).toEqual([['Requires', 'sysinit.target']]);
    },
  );

  it('can be started where a directory of the system is missing', () => {
    const places = valuesOf(read('systemd/dpu-node-agent.service'), 'Service', 'NoExecPaths').join(' ').split(' ');
    expect(places).toContain('-/var');
    expect(places.filter((place) => !place.startsWith('-'))).toEqual([]);
  });

  it('are installed where the package manager would put them, for all to read, and taken away again', () => {
    const dir = mkdtempSync(join(tmpdir(), 'dpu-units-'));
    try {
      for (const name of ['dpu-node-agent.mjs', 'dpuctl.mjs']) writeFileSync(join(dir, name), '');
      // A hardened root: what only it can enter, the agent's user could not start.
      run('sh', '-c', 'umask 077; exec sh systemd/install.sh --root "$0/root" "$0"', dir);
      const names = readdirSync(join(dir, 'root'), { recursive: true, encoding: 'utf8' });
      const files = names.filter((name) => statSync(join(dir, 'root', name)).isFile()).sort();
      const modes = files.map((name) => `${(statSync(join(dir, 'root', name)).mode & 0o777).toString(8)} ${name}`);
      expect(modes).toEqual([
        '755 usr/bin/dpu-node-agent',
        '755 usr/bin/dpuctl',
        '644 usr/lib/systemd/system/dpu-node-agent-sockets.path',
        '644 usr/lib/systemd/system/dpu-node-agent-sockets.service',
        '644 usr/lib/systemd/system/dpu-node-agent-sockets.timer',
        '644 usr/lib/systemd/system/dpu-node-agent.service',
        '644 usr/lib/sysusers.d/dpu-node-agent.conf',
        '644 usr/lib/tmpfiles.d/dpu-node-agent-sockets.conf',
        '755 usr/libexec/dpu-node-agent/dpu-node-agent.mjs',
        '755 usr/libexec/dpu-node-agent/dpuctl.mjs',
        '644 usr/share/doc/dpu-node-agent/install-systemd.md',
        '644 usr/share/dpu-node-agent/drop-ins/10-restart-steps.conf',
        '644 usr/share/dpu-node-agent/drop-ins/20-peers.conf',
      ]);
      const folders = names.filter((name) => statSync(join(dir, 'root', name)).isDirectory());
      expect(folders.filter((name) => (statSync(join(dir, 'root', name)).mode & 0o777) !== 0o755)).toEqual([]);
      run('sh', 'systemd/install.sh', '--root', join(dir, 'root'), '--remove');
      const left = readdirSync(join(dir, 'root'), { recursive: true, encoding: 'utf8' });
      expect(left.filter((name) => statSync(join(dir, 'root', name)).isFile() || name.includes('dpu-node'))).toEqual(
        [],
      );
      expect(() => run('sh', 'systemd/install.sh', '--help')).toThrow('--help is not known');
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

/** Options of Node.js for the heap: what it may take in all, MiB. */
function heapOf(command: string): number {
  const option = (name: string): number => Number(new RegExp(`--${name}=(\\d+)`).exec(command)?.[1]);
  return option('max-old-space-size') + 2 * option('max-semi-space-size');
}

/** Limit of memory in a unit, MiB. */
function limitOf(text: string, key: string): number {
  return Number(/^(\d+)M$/.exec(valuesOf(text, 'Service', key)[0] ?? '')?.[1]);
}

describe('the quadlet', () => {
  const quadlet = read('systemd/dpu-node-agent.container');
  const values = (key: string): readonly string[] => valuesOf(quadlet, 'Container', key);

  it('has only keys that podman knows', () => {
    expect([...sectionsOf(quadlet).keys()]).toEqual(['Unit', 'Container', 'Service', 'Install']);
    const keys = (sectionsOf(quadlet).get('Container') ?? []).map(([key]) => key);
    expect(keys.filter((key) => !containerKeys.has(key))).toEqual([]);
    expect(values('Image')).toHaveLength(1);
  });

  it('gives one capability, a read-only root, and the user that the image has', () => {
    expect([values('DropCapability'), values('AddCapability')]).toEqual([['all'], ['CAP_NET_ADMIN']]);
    expect([values('ReadOnly'), values('NoNewPrivileges')]).toEqual([['true'], ['true']]);
    const user = /^USER (\d+):(\d+)$/m.exec(read('containerfile/Containerfile').split('FROM root').at(-1) ?? '');
    expect([values('User'), values('Group')]).toEqual([[user?.[1]], [user?.[2]]]);
  });

  it('asks by a command that the image has, and is killed when that fails', () => {
    const image = read('containerfile/Containerfile');
    for (const key of ['HealthCmd', 'HealthStartupCmd']) {
      const command = JSON.parse(values(key)[0] ?? '') as readonly string[];
      expect(image).toContain(
        command
          .slice(0, 3)
          .map((word) => `"${word}"`)
          .join(', '),
      );
    }
    expect([values('Notify'), values('HealthOnFailure')]).toEqual([['healthy'], ['kill']]);
  });

  it('never gives up: a registry that is away and a directory that is not there yet fail it at once', () => {
    expect(valuesOf(quadlet, 'Unit', 'StartLimitIntervalSec')).toEqual(['0']);
    expect(valuesOf(quadlet, 'Unit', 'StartLimitBurst')).toEqual([]);
    expect(valuesOf(quadlet, 'Service', 'Restart')).toEqual(['always']);
    // A target that is only wanted orders nothing.
    for (const key of ['Wants', 'After'])
      expect(valuesOf(quadlet, 'Unit', key).join(' ').split(' ')).toContain('network-online.target');
  });

  it('has room for the heap, for a check beside it, and for the podman that waits', () => {
    const [, entry = ''] = /^ENTRYPOINT (.*)$/m.exec(read('containerfile/Containerfile')) ?? [];
    // As for the unit; a check is a Node.js of its own in the same control group.
    expect(heapOf(entry) + 70 + 45 + 60).toBeLessThan(limitOf(quadlet, 'MemoryHigh'));
    expect(limitOf(quadlet, 'MemoryHigh')).toBeLessThan(limitOf(quadlet, 'MemoryMax'));
  });

  it('mounts no more than it needs, and what it mounts is made', () => {
    expect(values('Volume')).toEqual([
      '/run/openvswitch:/run/openvswitch',
      '/run/dpu-node-agent:/run/dpu-node-agent',
      '/var/lib/dpu-node-agent:/var/lib/dpu-node-agent',
      '/etc/dpu-node-agent:/etc/dpu-node-agent:ro',
    ]);
    const made = read('systemd/rhcos/dpu-node-agent.tmpfiles.conf')
      .split('\n')
      .filter((line) => line.startsWith('d '));
    const places = made.map((line) => line.split(/\s+/).slice(1, 5).join(' '));
    expect(places).toEqual(['/run/dpu-node-agent 0755 65532 65532', '/var/lib/dpu-node-agent 0750 65532 65532']);
  });

  it('is in the group to which the sockets are given', () => {
    const group = /--group-add=(\d+)/.exec(values('PodmanArgs').join(' '))?.[1];
    const lines = (file: string): readonly string[] =>
      read(file)
        .split('\n')
        .filter((line) => line.startsWith('z '));
    const given = lines('systemd/rhcos/dpu-node-agent-sockets.tmpfiles.conf').map((line) => line.split(/\s+/));
    expect(given.map((words) => words[4])).toEqual([group, group, group]);
    const native = lines('systemd/dpu-node-agent.tmpfiles.conf').map((line) => line.split(/\s+/));
    expect(given.map((words) => words.slice(0, 4))).toEqual(native.map((words) => words.slice(0, 4)));
  });
});

interface MachineConfig {
  readonly spec: {
    readonly config: {
      readonly ignition: { readonly version: string };
      readonly storage: { readonly files: readonly { path: string; mode: number; contents: { source: string } }[] };
      readonly systemd: { readonly units: readonly { name: string; enabled?: boolean; contents: string }[] };
    };
  };
}

describe('what is rendered for RHCOS', () => {
  it('is up to date', () => {
    expect(run(process.execPath, 'scripts/render-machine-config.mjs', '--check')).toBe('');
  });

  it('holds the very files', () => {
    const { config } = (parse(read('systemd/rhcos/99-dpu-worker-dpu-node-agent.yaml')) as MachineConfig).spec;
    const decode = (source: string): string => Buffer.from(source.replace('data:;base64,', ''), 'base64').toString();
    expect(config.ignition.version).toBe('3.4.0');
    expect(new Map(config.storage.files.map(({ path, contents }) => [path, decode(contents.source)]))).toEqual(
      new Map([
        ['/etc/containers/systemd/dpu-node-agent.container', read('systemd/dpu-node-agent.container')],
        ['/etc/tmpfiles.d/dpu-node-agent.conf', read('systemd/rhcos/dpu-node-agent.tmpfiles.conf')],
        ['/etc/tmpfiles.d/dpu-node-agent-sockets.conf', read('systemd/rhcos/dpu-node-agent-sockets.tmpfiles.conf')],
        ['/etc/dpu-node-agent/config.yaml', read('docs/examples/observe.yaml')],
      ]),
    );
    expect(config.storage.files.map(({ mode }) => mode)).toEqual([0o644, 0o644, 0o644, 0o644]);
    expect(config.systemd.units).toEqual([
      { name: 'dpu-node-agent-sockets.service', contents: read('systemd/dpu-node-agent-sockets.service') },
      { name: 'dpu-node-agent-sockets.path', enabled: true, contents: read('systemd/dpu-node-agent-sockets.path') },
      { name: 'dpu-node-agent-sockets.timer', contents: read('systemd/dpu-node-agent-sockets.timer') },
    ]);
  });

  it('has the layer as it stands', () => {
    const parsed = parse(read('systemd/rhcos/machine-os-config.yaml')) as {
      readonly spec: { readonly containerFile: readonly { readonly content: string }[] };
    };
    expect(parsed.spec.containerFile.map(({ content }) => content)).toEqual([
      read('systemd/rhcos/layer.Containerfile'),
    ]);
    // The default of RHEL 9 is a Node.js that the agent cannot run on.
    expect(read('systemd/rhcos/layer.Containerfile')).toMatch(
      /module enable nodejs:(?:2[2-9]|[3-9]\d) [^]*\n +node --eval /,
    );
    const enabled = /systemctl enable (.*?) &&/.exec(read('systemd/rhcos/layer.Containerfile'))?.[1]?.split(' ') ?? [];
    expect(enabled).toHaveLength(3);
    for (const unit of enabled) {
      const place = unit === 'dpu-node-agent-users.service' ? 'systemd/rhcos' : 'systemd';
      expect(sectionsOf(read(`${place}/${unit}`)).has('Install')).toBe(true);
    }
  });
});
