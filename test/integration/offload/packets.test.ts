/**
 * Pods with real packets on the userspace datapath: everything is in software, for certain, and the agent says so of each pod,
 * with the flows that its own packets made. ping is the one who sends them.
 */
import { describe, expect, it } from 'vitest';
import {
  OffloadRow_Verdict as RowVerdict,
  OffloadStatus_Engine as Engine,
} from '../../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import { AttachRig, attachSays, eventually } from '../attach/attach-rig.js';
import { addressOf, twoPods } from '../attach/world.js';
import { dumpFlows } from './dummy-switch.js';
import { OffloadApi } from './offload-rig.js';

describe('pods with real packets, without hardware', () => {
  it('are told to be in software, by their representors, with the flows of their own packets', async () => {
    await using rig = await AttachRig.start({ ovn: false });
    await rig.ovs.vsctl('--no-wait', 'set', 'Open_vSwitch', '.', 'other_config:max-idle=600000');
    const agent = await rig.agent({ offload: { bootGraceMs: 0, exporterPort: 0 } });
    await attachSays(agent, ({ mode, cluster }) => mode === 'on' && cluster.kind === 'synced', 'that it may plug');
    using api = new OffloadApi(agent);
    const [first, second] = await twoPods(rig);
    await eventually(() => rig.hosts.ping(first.role, addressOf(second), 20), 'the pods reach one another');

    const status = await api.until(({ supervision }) => (supervision?.datapaths.length ?? 0) > 0, 'a first look');
    expect([status.engine, status.isInEffect]).toEqual([Engine.USERSPACE, false]);
    const { flows } = await eventually(async () => {
      const answer = await api.softwareFlows({ ageMsMax: 1000, ports: ['rep0-1'] });
      return answer.flows.some(({ packets }) => packets >= 10n) ? answer : undefined;
    }, 'the flows of the pings');
    const echo = flows.find(({ inPort, packets }) => inPort === 'rep0-1' && packets >= 10n);
    expect(echo).toMatchObject({ tier: 'pmd', reason: 'offload_disabled', outPorts: ['rep0-2'] });
    const printed = await dumpFlows(rig.ovs);
    const line = printed.lines.find((text) => text.includes(echo?.ufid ?? '?'));
    expect(line).toMatch(/in_port\(rep0-1\).*actions:rep0-2/);

    for (const [pod, device] of [
      ['a', 'rep0-1'],
      ['b', 'rep0-2'],
    ] as const) {
      const row = await api.untilRow(
        `attachment/default/${pod}/default`,
        ({ measured }) => (measured?.softwareFlows?.flows ?? 0n) > 0n,
        'is told by its flows',
      );
      expect(row).toMatchObject({ interface: device, verdict: RowVerdict.SOFTWARE });
      expect(row.measured?.hardwareFlows?.flows).toBe(0n);
    }
    expect((await api.status()).supervision?.hardwarePackets).toBe(0n);
  });
});
