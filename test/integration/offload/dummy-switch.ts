/**
 * A switch whose ports are dummies, for flows that are made packet by packet: br-int with representors rep0-1 to rep0-4 and
 * the uplink p0, rules that forward, track, drop and set fields, and packets of choice. ovs-appctl is the only tool used.
 */

import { eventually } from '../lab/daemon.js';
import type { OvsLab } from '../lab/ovs.js';

/** OpenFlow numbers in this order, from 1 on. */
export const dummyPorts = ['rep0-1', 'rep0-2', 'rep0-3', 'rep0-4', 'p0'] as const;
export type DummyPort = (typeof dummyPorts)[number];

/** What the datapath makes of packets of each port. */
const rules = [
  // One flow, which full offload can carry.
  'priority=10,in_port=1,ip,actions=output:5',
  // Two flows: tracked, and recirculated.
  'priority=10,in_port=2,ip,actions=ct(table=1,zone=7)',
  'table=1,priority=10,ip,actions=ct(commit,zone=7),output:5',
  // As many flows as there are destination ports.
  ...Array.from({ length: 8 }, (_, index) => `priority=20,in_port=3,udp,udp_dst=${4096 + index},actions=output:5`),
  // Actions that no hardware of upstream carries.
  'priority=10,in_port=4,ip,actions=dec_ttl,output:5',
  'priority=5,arp,actions=output:5',
];

export interface DummySwitchOptions {
  /** datapath_type of the bridge. Only the datapath `dummy` has the provider that simulates hardware. */
  readonly datapathType: 'dummy' | 'netdev' | 'system';
  /** Type of the ports. `dummy-pmd` is polled by a thread; it wants `--dummy-numa`. */
  readonly portType?: 'dummy' | 'dummy-pmd';
}

/** Arguments of ovs-vswitchd for ports of type dummy-pmd. */
export const pmdArgs = ['--dummy-numa=0,0,0,0'];

/** Makes the bridge, its ports and its rules. */
export async function makeDummySwitch(lab: OvsLab, options: DummySwitchOptions): Promise<void> {
  const { datapathType, portType = 'dummy-pmd' } = options;
  const bridge = ['add-br', 'br-int', '--', 'set', 'Bridge', 'br-int', `datapath_type=${datapathType}`];
  const ports = dummyPorts.flatMap((name, index) => [
    ...['--', 'add-port', 'br-int', name],
    ...['--', 'set', 'Interface', name, `type=${portType}`, `ofport_request=${index + 1}`],
  ]);
  await lab.vsctl(...bridge, 'fail_mode=secure', ...ports);
  for (const rule of rules) await lab.ofctl('add-flow', 'br-int', rule);
}

/** A packet, by its headers. */
export interface DummyPacket {
  readonly udpPort?: number;
  readonly isArp?: boolean;
}

function packetText({ udpPort = 4096, isArp = false }: DummyPacket): string {
  const ethernet = 'in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),';
  if (isArp) {
    const addresses = 'sip=10.0.0.1,tip=10.0.0.2,op=1,sha=02:00:00:00:00:01,tha=00:00:00:00:00:00';
    return `${ethernet}eth_type(0x0806),arp(${addresses})`;
  }
  const ip = 'ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no)';
  return `${ethernet}eth_type(0x0800),${ip},udp(src=1000,dst=${udpPort})`;
}

/** Packets that the datapaths have looked up, misses too. What simulated hardware carries is not among them. */
async function lookups(lab: OvsLab): Promise<number> {
  const text = await lab.appctl('dpctl/show');
  return [...text.matchAll(/hit:(\d+) missed:(\d+)/g)].reduce(
    (sum, [, hit, missed]) => sum + Number(hit) + Number(missed),
    0,
  );
}

/** Has `count` such packets come in at a port, and waits until the first of them has its flow. */
export async function receive(lab: OvsLab, port: DummyPort, count: number, packet: DummyPacket = {}): Promise<void> {
  const text = packetText(packet);
  const before = await lookups(lab);
  await lab.appctl('netdev-dummy/receive', port, text);
  await eventually(async () => (await lookups(lab)) > before, `${port} has received`);
  for (let sent = 1; sent < count; sent += 1) await lab.appctl('netdev-dummy/receive', port, text);
}

/** The dump as ovs-appctl prints it, and what grep would count in it. */
export interface DumpWitness {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
  /** `offloaded:yes` */
  readonly offloaded: number;
  readonly offloadedPackets: number;
  /** `offloaded:partial` */
  readonly partial: number;
  readonly lines: readonly string[];
}

const sumOf = (lines: readonly string[], pattern: RegExp): number =>
  lines.reduce((sum, line) => sum + Number(pattern.exec(line)?.[1] ?? 0), 0);

/** Counts a dump by searching in its text, with nothing of the agent's. @param args more arguments, as `type=offloaded` */
export async function dumpFlows(lab: OvsLab, ...args: readonly string[]): Promise<DumpWitness> {
  const lines = (await lab.appctl('dpctl/dump-flows', '-m', ...args))
    .split('\n')
    .filter((line) => line.includes('ufid:'));
  const offloaded = lines.filter((line) => line.includes('offloaded:yes'));
  return {
    flows: lines.length,
    packets: sumOf(lines, / packets:(\d+)/),
    bytes: sumOf(lines, / bytes:(\d+)/),
    offloaded: offloaded.length,
    offloadedPackets: sumOf(offloaded, / packets:(\d+)/),
    partial: lines.filter((line) => line.includes('offloaded:partial')).length,
    lines,
  };
}
