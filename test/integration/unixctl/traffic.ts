/**
 * A switch with the userspace datapath and packets in it: ports of type dummy-pmd, polled by a real PMD thread. Three ports,
 * rules with connection tracking, and as many datapath flows as UDP ports were sent to.
 */
import { eventually } from '../lab/daemon.js';
import { OvsLab } from '../lab/ovs.js';

export const ports = ['pf0vf3', 'pf0vf4', 'p0'] as const;

const setUp = [
  ['set', 'Open_vSwitch', '.', 'other_config:hw-offload=true'],
  ['add-br', 'br-int', '--', 'set', 'Bridge', 'br-int', 'datapath_type=netdev', 'fail_mode=secure'],
  ...ports.map((port, index) => [
    'add-port',
    'br-int',
    port,
    '--',
    'set',
    'Interface',
    port,
    'type=dummy-pmd',
    `ofport_request=${index + 1}`,
  ]),
];

/** The first datagrams to the second port have a rule each, so that each gets a datapath flow of its own. */
const rules = [
  'priority=10,in_port=1,ip,actions=ct(commit,zone=7),output:3',
  ...[0, 1, 2].map((index) => `priority=20,in_port=2,udp,udp_dst=${4096 + index},actions=output:3`),
  'priority=10,in_port=2,udp,actions=drop',
];

/** A switch without packets yet. */
export async function startSwitch(): Promise<OvsLab> {
  const lab = await OvsLab.start({ vswitchd: true, vswitchdArgs: ['--dummy-numa=0,0,0,0'] });
  try {
    await lab.vsctl(...setUp.flatMap((words, index) => (index === 0 ? words : ['--', ...words])));
    for (const rule of rules) await lab.ofctl('add-flow', 'br-int', rule);
    return lab;
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

const packet = (protocol: number, layer4: string): string =>
  'in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),' +
  `ipv4(src=10.0.0.1,dst=10.0.0.2,proto=${protocol},tos=0,ttl=64,frag=no),${layer4}`;

/**
 * Sends `count` datagrams into each port that sends, and a TCP SYN into the first; waits until all are through.
 */
export async function sendPackets(lab: OvsLab, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    for (const port of ['pf0vf3', 'pf0vf4']) {
      await lab.appctl('netdev-dummy/receive', port, packet(17, `udp(src=1000,dst=${4096 + index})`));
    }
  }
  await lab.appctl('netdev-dummy/receive', 'pf0vf3', packet(6, 'tcp(src=1000,dst=80),tcp_flags(syn)'));
  await eventually(async () => {
    const [, hit, missed] = /hit:(\d+) missed:(\d+)/.exec(await lab.appctl('dpctl/show')) ?? [];
    return Number(hit) + Number(missed) === 2 * count + 1;
  }, 'every packet is through');
}
