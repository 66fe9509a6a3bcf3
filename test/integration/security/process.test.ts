/**
 * The running process, from outside: what it may, where it listens, what it holds open, what it writes and what of that others
 * can read. The tables of docs/security.md are held against what is found.
 */

import { execFile } from 'node:child_process';
import { readFile, rm, stat, writeFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentedTable } from '../../fakes/documented-table.js';
import { CertificateFolder } from '../../kube/certificates.js';
import { Rig } from '../agent/rig.js';
import { eventually } from '../lab/daemon.js';
import { openSwitch, ShippedAgent, shippedUid, switchGid, unitValue } from './shipped-user.js';

const run = promisify(execFile);

const token = 'correct-horse-battery-staple-0123456789';
let rig: Rig;
let folder: CertificateFolder;
let agent: ShippedAgent;

beforeAll(async () => {
  folder = await CertificateFolder.make();
  const ca = await folder.authority('ca');
  const served = await folder.leaf('server', 'ca');
  await chmod(folder.dir, 0o755);
  await chmod(served.keyFile, 0o644);
  rig = await Rig.start({ vswitchd: true, devices: ['p0', 'web0'] });
  await rig.lab.vsctl('add-br', 'br-sfc', '--', 'add-port', 'br-sfc', 'web0', '--', 'add-br', 'br-hbn');
  await rig.lab.vsctl('set', 'Interface', 'web0', 'external_ids:app=web');
  await openSwitch(rig.lab);
  const tokenFile = join(rig.lab.dir, 'token');
  await writeFile(tokenFile, token);
  const chainPorts = [
    { kind: 'labels', labels: { app: 'web' } },
    { kind: 'patch', bridge: 'br-hbn' },
  ];
  agent = await ShippedAgent.start(rig.lab.dir, ({ runDir, stateDir }) =>
    rig.configText({
      agent: { runDir, stateDir },
      bridges: ['br-sfc', 'br-hbn'].map((name) => ({ name, failMode: 'secure', adopt: true })),
      chains: [{ name: 'web', switches: [{ ports: chainPorts }] }],
      api: {
        http: { listen: '127.0.0.1:0', tokenFile },
        grpc: {
          listen: ['127.0.0.1:0'],
          tls: { certFile: served.certFile, keyFile: served.keyFile, clientCaFile: ca.certFile },
          grants: [{ identity: `uid:${shippedUid}`, role: 'controller', owners: ['fleet'] }],
        },
      },
    }),
  );
  await agent.says('"API listens"');
  // Everything that it writes has been written: a chain is in force and the bundle of an owner is stored.
  await eventually(() => readFile(join(agent.stateDir, 'chains.json')).catch(() => undefined), 'chains are stored');
  const bundleFile = join(rig.lab.dir, 'bundle.yaml');
  await writeFile(bundleFile, 'bridges:\n  - { name: br-fleet, failMode: secure }\n');
  await agent.dpuctl('apply', '--owner', 'fleet', '--file', bundleFile).catch((error: unknown) => {
    throw new Error(agent.log, { cause: error });
  });
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
  await folder.remove();
});

/** Everything on the disks that belongs to the agent's user: `kind mode path`, the directories by their names in the configuration. */
async function ownedByAgent(): Promise<ReadonlyMap<string, string>> {
  // Where anybody may write, and where daemons do; a user of its own gets in nowhere else.
  const roots = ['/tmp', '/var/tmp', '/dev/shm', '/run', '/var/lib', '/var/log', '/home'];
  const found = await run('find', [...roots, '-xdev', '-uid', String(shippedUid), '-printf', '%y %m %p\\n'], {
    maxBuffer: 16 << 20,
  }).catch((error: unknown) => error as { readonly stdout: string });
  const rows = found.stdout.split('\n').filter((line) => line !== '');
  return new Map(
    rows.map((line) => {
      const [kind = '', mode = '', ...path] = line.split(' ');
      const named = path.join(' ').replace(agent.runDir, 'agent.runDir').replace(agent.stateDir, 'agent.stateDir');
      return [
        named.replace('/fleet.json', '/OWNER.json').replace(/claim\.[0-9]+$/, 'claim.N'),
        `${kind} ${mode.padStart(4, '0')}`,
      ];
    }),
  );
}

/** Sockets of the process that wait for connections, or take datagrams from anybody. */
async function listeners(): Promise<readonly string[]> {
  const targets = (await agent.descriptors()).map(({ target }) => target);
  const inodes = new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
  const rowsOf = async (name: string): Promise<readonly (readonly string[])[]> => {
    const text = await readFile(`/proc/${agent.pid}/net/${name}`, 'utf8').catch(() => '');
    return text
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/));
  };
  const found: string[] = [];
  // Address and inode are the 2nd and 10th column; state 0A is LISTEN (net/tcp_states.h).
  for (const name of ['tcp', 'tcp6'])
    for (const row of await rowsOf(name)) {
      if (row[3] === '0A' && inodes.has(row[9] ?? '')) found.push(`${name} ${row[1]?.split(':')[0] ?? ''}`);
    }
  for (const name of ['udp', 'udp6', 'udplite', 'raw', 'raw6', 'icmp'])
    for (const row of await rowsOf(name)) if (inodes.has(row[9] ?? '')) found.push(name);
  for (const row of await rowsOf('packet')) if (inodes.has(row[8] ?? '')) found.push('packet');
  for (const row of await rowsOf('netlink')) if (inodes.has(row[9] ?? '')) found.push('netlink');
  // Flag __SO_ACCEPTCON (net/unix/af_unix.c); a name that begins with @ is abstract: open to all in the network namespace.
  for (const row of await rowsOf('unix')) {
    if (!inodes.has(row[6] ?? '') || row[3] !== '00010000') continue;
    found.push((row[7] ?? '').startsWith('@') ? `abstract ${row[7] ?? ''}` : 'unix');
  }
  return found.sort();
}

describe('the agent as it is shipped', () => {
  it('has a user of its own, the capabilities of the unit in every set, and no way to more', async () => {
    expect(await agent.status('Uid')).toBe(Array.from({ length: 4 }, () => shippedUid).join('\t'));
    expect(await agent.status('Gid')).toBe(Array.from({ length: 4 }, () => shippedUid).join('\t'));
    expect(await agent.status('Groups')).toBe(String(switchGid));
    expect(await unitValue('CapabilityBoundingSet')).toBe('CAP_NET_ADMIN');
    expect(await unitValue('AmbientCapabilities')).toBe('CAP_NET_ADMIN');
    for (const key of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb', 'CapInh']) {
      // CAP_NET_ADMIN is number 12 (linux/capability.h).
      expect(Number.parseInt(await agent.status(key), 16), key).toBe(1 << 12);
    }
    expect(await agent.status('NoNewPrivs')).toBe('1');
  });

  it('listens where docs/security.md says, and nowhere else', async () => {
    const documented = [...documentedTable('security.md', 'Listener').keys()];
    expect(documented).toEqual([
      'agent.runDir/api.sock',
      'agent.stateDir/intents/.intents.claim.N',
      'api.http.listen',
      'api.grpc.listen',
    ]);
    // 0100007F: 127.0.0.1, as configured; not one of them is a wildcard or abstract.
    expect(await listeners()).toEqual(['tcp 0100007F', 'tcp 0100007F', 'unix', 'unix']);
  });

  it('opens no debugger when it is sent the signal for that', async () => {
    const before = await listeners();
    process.kill(agent.pid, 'SIGUSR1');
    // Caught by a handler of its own, or of Node.js (SIGUSR1 is bit 9): it would end the process else, and not be seen here.
    expect((Number.parseInt((await agent.status('SigCgt')).slice(-3), 16) >> 9) & 1).toBe(1);
    const address = /"http (127\.0\.0\.1:\d+)"/.exec(agent.log)?.[1] ?? '';
    // A thread of Node.js that has nothing else to do opens it within a millisecond or two; these are answered one after another.
    for (let call = 0; call < 50; call += 1)
      expect((await fetch(`http://${address}/healthz`)).status).toBeGreaterThan(0);
    expect(await listeners()).toEqual(before);
    expect(agent.log).not.toContain('Debugger');
  });

  it('has made what docs/security.md says, with those modes, and nothing else on this machine', async () => {
    const documented = [...documentedTable('security.md', 'Path')].map(([path, cells]) => [
      path,
      cells[0]?.replaceAll('`', ''),
    ]);
    expect(Object.fromEntries(await ownedByAgent())).toEqual(Object.fromEntries(documented));
  });

  it('holds no file open for writing but its output', async () => {
    const written = (await agent.descriptors()).filter(
      ({ target, flags }) => target.startsWith('/') && (flags & 3) !== 0,
    );
    expect(written.filter(({ target }) => target !== '/dev/null')).toEqual([]);
  });

  it('shows no secret in its arguments, its environment and its log', async () => {
    const key = (await readFile(join(folder.dir, 'server.key'), 'utf8')).split('\n')[1] ?? '';
    expect(key.length).toBeGreaterThan(20);
    for (const name of ['cmdline', 'environ']) {
      const text = await readFile(`/proc/${agent.pid}/${name}`, 'utf8');
      for (const secret of [token, key]) expect(text).not.toContain(secret);
    }
    for (const secret of [token, key]) expect(agent.log).not.toContain(secret);
  });

  it('lets others neither into its stored intents nor read what it was asked for', async () => {
    const other = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const tries = [join(agent.stateDir, 'chains.json'), join(agent.stateDir, 'intents', 'fleet.json')];
    for (const path of tries) {
      await expect(run('setpriv', [...other, 'cat', path])).rejects.toThrow('Permission denied');
      expect((await stat(path)).mode & 0o077).toBe(0);
    }
  });

  it('leaves its stored state when it ends, and no socket at which anybody listens', async () => {
    await agent.end();
    const left = [...(await ownedByAgent())].filter(([, kind]) => !kind.startsWith('d'));
    expect(left.map(([path]) => path).sort()).toEqual([
      'agent.stateDir/chains.json',
      // The name of its claim, for the number of the next.
      'agent.stateDir/intents/.intents.claim.N',
      'agent.stateDir/intents/OWNER.json',
    ]);
    await rm(join(rig.lab.dir, 'token'));
  });
});
