/**
 * The same plumbing by commands, pod by pod: `ovs-vsctl` with the keys that ovn-kubernetes' CNI shim sets, `ip link`, and a
 * look every 200 ms whether the port is there, as the DPU's half of ovn-kubernetes has it. It is given less to do than that
 * half does: no search for other ports of the same name, no clearing of limits, no write to the API server.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { addressesOf, namespace, type BenchPod } from './bench-pods.js';
import type { Sample } from './attach.js';
import type { Stage } from './stage.js';

/** ovn-kubernetes hashes pods into so many queues, each of which works on one pod at a time. */
const queueCount = 15;
const pollMs = 200;

async function plugPod(stage: Stage, pod: BenchPod): Promise<void> {
  const { device, name } = pod;
  const { mac, ip } = addressesOf(pod);
  const ids = {
    attached_mac: mac,
    'iface-id': `${namespace}_${name}`,
    'iface-id-ver': stage.uids.get(name) ?? '',
    sandbox: stage.nextSandbox(),
    ip_addresses: ip,
    'vf-netdev-name': device,
  };
  const pairs = Object.entries(ids).map(([key, value]) => `external_ids:${key}="${value}"`);
  const port = [
    '--may-exist',
    'add-port',
    'br-int',
    device,
    '--',
    'set',
    'Port',
    device,
    'other_config:transient=true',
  ];
  await stage.ovs.vsctl(...port, '--', 'set', 'Interface', device, ...pairs);
  await stage.ip('link', 'set', 'dev', device, 'mtu', '1400', 'up');
  while (!(await isThere(stage, device))) await sleep(pollMs);
}

async function isThere(stage: Stage, device: string): Promise<boolean> {
  const isOvn = stage.ovn !== undefined;
  const column = isOvn ? 'external_ids:ovn-installed' : 'ofport';
  const text = (await stage.ovs.vsctl('--if-exists', 'get', 'Interface', device, column)).trim();
  return isOvn ? text === '"true"' : Number(text) > 0;
}

/** All at once; each pod's time begins with the burst, as it does for the agent. */
export async function plugByCommands(stage: Stage, pods: readonly BenchPod[]): Promise<readonly Sample[]> {
  const begunMs = performance.now();
  const queue = [...pods];
  const samples: Sample[] = [];
  const work = async (): Promise<void> => {
    for (let pod = queue.shift(); pod !== undefined; pod = queue.shift()) {
      await plugPod(stage, pod);
      const times = stage.rows.rows.get(pod.device);
      samples.push({
        rowMs: (times?.rowMs ?? NaN) - begunMs,
        ofportMs: (times?.ofportMs ?? NaN) - begunMs,
        readyMs: performance.now() - begunMs,
      });
    }
  };
  await Promise.all(Array.from({ length: queueCount }, work));
  return samples;
}

/** Takes the ports away again, in one call. */
export async function unplugByCommands(stage: Stage, pods: readonly BenchPod[]): Promise<void> {
  const args = pods.flatMap(({ device }) => ['--', '--if-exists', 'del-port', 'br-int', device]);
  await stage.ovs.vsctl(...args.slice(1));
  for (const { device } of pods) await stage.ip('link', 'set', 'dev', device, 'down');
  await stage.settle();
}
