/**
 * How the daemon ends, as the process that it is in production: whatever it is doing and whoever does not answer, with code 0
 * within two seconds, calls with a status, and Open vSwitch as it was.
 */

import { connect as dial, createServer, type Socket } from 'node:net';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OffloadService } from '../../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import { TopologyService } from '../../../src/gen/proto/dpu/agent/v1/topology_pb.js';
import { ClusterApi } from '../../../src/sandbox/cluster/cluster-api.js';
import { eventually } from '../lab/daemon.js';
import { EndingAgent, type Ended } from './ending.js';
import { Rig, type ConfigInput } from './rig.js';

/** What is promised, ms. */
const endMsMax = 2_000;

const bridges = [
  { name: 'br-sfc', failMode: 'secure', adopt: true, ports: [{ kind: 'system', name: 'p0' }] },
  { name: 'br-hbn', failMode: 'secure' },
];
const chains = [
  {
    name: 'web',
    switches: [
      {
        ports: [
          { kind: 'labels', labels: { app: 'web' } },
          { kind: 'patch', bridge: 'br-hbn' },
        ],
      },
    ],
  },
];
const config: ConfigInput = { bridges, chains };

async function startRig(): Promise<Rig> {
  const rig = await Rig.start({ vswitchd: true, devices: ['p0', 'web0'] });
  await rig.lab.vsctl('add-br', 'br-sfc', '--', 'add-port', 'br-sfc', 'web0');
  await rig.lab.vsctl('set', 'Interface', 'web0', 'external_ids:app=web');
  return rig;
}

/** What packets pass through: ports and flows, by witnesses that share nothing with the agent. */
async function dataPath(rig: Rig): Promise<string> {
  const ports = await rig.lab.vsctl('--columns=name,ofport', 'list', 'Interface');
  const flows = await rig.lab.ofctl('--no-stats', 'dump-flows', 'br-sfc');
  return `${ports.split('\n').sort().join('\n')}\n${flows}`;
}

function expectOrderly({ code, signal, tookMs, log }: Ended): void {
  process.stdout.write(`ended after ${Math.round(tookMs)} ms\n`);
  expect({ code, signal }, log.slice(-2_000)).toEqual({ code: 0, signal: null });
  expect(log).toContain('"agent ended"');
  expect(log).not.toContain('bug of the agent');
  expect(tookMs, log.slice(-2_000)).toBeLessThan(endMsMax);
}

/** A network of its own, whose name server takes every question and answers none: what is sent to it goes to no device. */
function withSilentResolver(resolver: string): readonly string[] {
  const script = [
    'ip link set lo up',
    'ip route add 192.0.2.0/24 dev lo',
    'mount --bind "$0" /etc/resolv.conf',
    'exec "$@"',
  ].join(' && ');
  return ['unshare', '--net', '--mount', 'sh', '-c', script, resolver];
}

const dead = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = dial(path, () => resolve(false));
    socket.once('error', () => resolve(true)).once('connect', () => socket.destroy());
  });

/** What a stream ended with. */
async function endOf(stream: AsyncIterable<unknown>): Promise<{ readonly code: string; readonly count: number }> {
  let count = 0;
  try {
    for await (const message of stream) count += message === undefined ? 0 : 1;
    return { code: 'OK', count };
  } catch (error) {
    return { code: (error as { code: string }).code, count };
  }
}

describe('the daemon that is told to end', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends by %s with its calls closed by a status, its socket gone and its ports there',
    async (signal) => {
      await using rig = await startRig();
      await using agent = await EndingAgent.start(rig, config);
      await agent.ready();
      const before = await dataPath(rig);
      const connection = agent.connect();
      const stream = connection.service(TopologyService).watchTopology({});
      const iterator = stream[Symbol.asyncIterator]();
      expect((await iterator.next()).done).toBe(false);
      const rest = endOf({ [Symbol.asyncIterator]: () => iterator });
      const ended = await agent.end(signal);
      expectOrderly(ended);
      // grpc-js tells UNAVAILABLE; the code is the agent's own (docs/errors.md).
      expect((await rest).code).toBe('API_CLOSED');
      connection.close();
      expect(existsSync(agent.socket)).toBe(false);
      const http = /"http 127\.0\.0\.1:(\d+)"/.exec(ended.log)?.[1];
      await expect(fetch(`http://127.0.0.1:${http ?? ''}/healthz`)).rejects.toThrow();
      expect(await dataPath(rig)).toBe(before);
    },
  );

  it('ends while it is still starting, at once after its first word', async () => {
    await using rig = await startRig();
    await using agent = await EndingAgent.start(rig, config);
    await agent.says('"agent starts"');
    expectOrderly(await agent.end('SIGTERM'));
  });

  it('ends at once by a second signal, and leaves nothing that the next start would stumble over', async () => {
    await using rig = await startRig();
    {
      await using agent = await EndingAgent.start(rig, config);
      await agent.ready();
      const { code, signal, tookMs } = await agent.end('SIGTERM', 'SIGTERM');
      expect([0, null]).toContain(code);
      expect(['SIGTERM', null]).toContain(signal);
      expect(tookMs).toBeLessThan(endMsMax);
    }
    await using next = await EndingAgent.start(rig, config);
    await next.ready();
    expectOrderly(await next.end('SIGTERM'));
  });

  it('ends in the middle of its transactions, each of which is whole in the database or absent', async () => {
    await using rig = await startRig();
    const many = Array.from({ length: 200 }, (_unused, index) => ({ kind: 'internal', name: `i${index}` }));
    const wanted = { bridges: [{ name: 'br-big', failMode: 'secure', ports: many }] };
    await using agent = await EndingAgent.start(rig, wanted);
    // The first of it is in the database: the rest is under way, or in the same transaction.
    await eventually(
      async () => (await rig.rows('Bridge', ['name'], [['name', '==', 'br-big']])).length > 0,
      'it writes',
    );
    expectOrderly(await agent.end('SIGTERM'));
    const ports = await rig.rows('Port', ['name', 'external_ids']);
    const own = ports.filter((row) => /^i\d+$/.test(String(row['name'])));
    expect([0, many.length]).toContain(own.length);
    // Nothing without its mark, which the next start would take for foreign.
    for (const row of own) expect(JSON.stringify(row['external_ids'])).toContain('dpu-agent-owner');
  });

  it('ends while the database server is stopped with a transaction of its own in hand', async () => {
    await using rig = await startRig();
    await using agent = await EndingAgent.start(rig, config);
    await agent.ready();
    const before = await dataPath(rig);
    const server = rig.lab.ovsdbServerPid ?? 0;
    process.kill(server, 'SIGSTOP');
    try {
      const more = { bridges: [...bridges, { name: 'br-new', failMode: 'secure' }], chains };
      await writeFile(rig.configFile, rig.configText(more, join(rig.lab.dir, 'agent')));
      agent.signal('SIGHUP');
      await agent.says('configuration loaded anew');
      expectOrderly(await agent.end('SIGTERM'));
    } finally {
      process.kill(server, 'SIGCONT');
    }
    expect((await dataPath(rig)).replaceAll(/^.*br-new.*$/gm, '')).toContain(before.split('\n')[0] ?? '');
  });

  it('ends while ovs-vswitchd is stopped and a dump of its flows was asked for', async () => {
    await using rig = await startRig();
    await using agent = await EndingAgent.start(rig, config);
    await agent.ready();
    const before = await dataPath(rig);
    const vswitchd = rig.lab.vswitchdPid ?? 0;
    const connection = agent.connect();
    process.kill(vswitchd, 'SIGSTOP');
    try {
      const asked = connection
        .service(OffloadService)
        .listSoftwareFlows({})
        .then(
          () => 'OK',
          (error: unknown) => (error as { code: string }).code,
        );
      // The question has arrived when a later one on the same connection is answered.
      await connection.service(OffloadService).listOffload({});
      expectOrderly(await agent.end('SIGTERM'));
      expect(['API_CLOSED', 'OK']).toContain(await asked);
    } finally {
      process.kill(vswitchd, 'SIGCONT');
      connection.close();
    }
    expect(await dataPath(rig)).toBe(before);
  });

  it('ends while the API server of the host cluster answers nothing, and leaves its lease to the next', async () => {
    await using rig = await startRig();
    const cluster = new ClusterApi({ kubelet: 'manual' });
    await cluster.start();
    try {
      for (const name of ['shop', 'ovn-kubernetes']) cluster.direct.create('namespaces', { metadata: { name } });
      cluster.direct.create('nodes', { metadata: { name: 'host-1' } });
      const kubeconfig = await cluster.writeKubeconfig(rig.lab.dir);
      const attach = {
        mode: 'attach',
        ovnInstalled: 'ignore',
        bridge: 'br-sfc',
        lease: { renewMs: 1000, durationS: 10 },
      };
      const input = { ...config, hostCluster: { kubeconfig, nodeName: 'host-1' }, attach };
      await using agent = await EndingAgent.start(rig, input);
      await agent.ready();
      const ref = { namespace: 'ovn-kubernetes', name: 'ovn-dpu-host-1' };
      await eventually(() => cluster.direct.find('leases', ref) !== undefined, 'a lease');
      cluster.faults.delay({ times: Infinity, delayMs: 60_000, match: { resource: 'events' } });
      const annotations = {
        'k8s.ovn.org/dpu.connection-details': '{"default":{"pfId":"0","vfId":"x","sandboxId":"s"}}',
      };
      cluster.direct.create('pods', {
        metadata: { namespace: 'shop', name: 'thief', annotations },
        spec: { nodeName: 'host-1', containers: [{ name: 'c', image: 'i' }] },
      });
      await agent.says('shop/thief');
      cluster.faults.freeze();
      expectOrderly(await agent.end('SIGTERM'));
      expect(cluster.direct.get('leases', ref)).toBeDefined();
    } finally {
      cluster.faults.thaw();
      await cluster.close();
    }
  });

  it('ends while a name server says nothing to what it was asked', async () => {
    await using rig = await startRig();
    const cluster = new ClusterApi({ kubelet: 'manual' });
    await cluster.start();
    try {
      const kubeconfig = await cluster.writeKubeconfig(rig.lab.dir);
      const named = (await readFile(kubeconfig, 'utf8')).replaceAll(/127\.0\.0\.1|localhost/g, 'api.host.example');
      expect(named).toContain('api.host.example');
      await writeFile(kubeconfig, named);
      const resolver = join(rig.lab.dir, 'resolv.conf');
      await writeFile(resolver, 'nameserver 192.0.2.53\n');
      const input = {
        ...config,
        hostCluster: { kubeconfig, nodeName: 'host-1' },
        attach: { mode: 'attach', ovnInstalled: 'ignore', bridge: 'br-sfc' },
      };
      await using agent = await EndingAgent.start(rig, input, withSilentResolver(resolver));
      // 192.0.2.53:53, as the kernel writes it: what it asks is on its way, in a network that is the agent's alone.
      const isAsked = async (): Promise<boolean> =>
        (await readFile(`/proc/${agent.pid}/net/udp`, 'utf8').catch(() => '')).includes('350200C0:0035');
      await agent.says('"API listens"');
      await eventually(isAsked, 'the name server is asked');
      const children = await readFile(`/proc/${agent.pid}/task/${agent.pid}/children`, 'utf8');
      const askers = children.split(' ').filter((pid) => pid !== '');
      expectOrderly(await agent.end('SIGTERM'));
      await eventually(() => !askers.some((pid) => existsSync(`/proc/${pid}`)), 'whoever asked for it has ended too');
    } finally {
      await cluster.close();
    }
  });

  it('ends while a control socket answers without an end', async () => {
    await using rig = await startRig();
    const dir = join(rig.lab.dir, 'hostile');
    await mkdir(dir);
    await writeFile(join(dir, 'ovs-vswitchd.pid'), `${process.pid}\n`);
    const sockets = new Set<Socket>();
    let isAsked = false;
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('data', () => {
        isAsked = true;
        socket.write('{"id":0,"error":null,"result":"');
        const more = (): void => {
          if (socket.writable) socket.write('list-commands endless\\n'.repeat(500), more);
        };
        more();
      });
    });
    await new Promise<void>((resolve) => server.listen(join(dir, `ovs-vswitchd.${process.pid}.ctl`), resolve));
    try {
      await using agent = await EndingAgent.start(rig, { ...config, ovs: { runDir: dir } });
      await agent.says('"API listens"');
      await eventually(() => isAsked, 'the control socket is asked');
      expect(await dead(agent.socket)).toBe(false);
      expectOrderly(await agent.end('SIGTERM'));
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  });
});
