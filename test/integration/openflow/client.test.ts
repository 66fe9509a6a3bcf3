import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  formatFlow,
  groupAll,
  match,
  OpenFlowRefusal,
  parseFlow,
  port,
  versionName,
  versionsSpoken,
} from '../../../src/openflow/index.js';
import type { FlowMod, FlowUpdate, OpenFlowClient, PacketIn, PortStatus } from '../../../src/openflow/index.js';
import { BridgeLab, collect } from './bridge.js';

let bridge: BridgeLab;

beforeAll(async () => {
  bridge = await BridgeLab.start();
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await bridge.lab.ofctl('del-flows', 'br0');
  await bridge.lab.ofctl('-O', 'OpenFlow13', 'del-groups', 'br0');
});

const samples = [
  'priority=10,in_port=1 actions=output:2',
  'cookie=0x5c00000000000001, table=3, priority=7,tcp,reg0=0x5,nw_dst=10.0.0.0/8,tp_dst=80 actions=dec_ttl,resubmit(,4)',
  'table=4, idle_timeout=30, send_flow_rem ct_state=+est+trk,ip actions=ct(commit,zone=5,exec(set_field:0x1->ct_mark)),goto_table:5',
  'table=5, priority=1,arp,arp_op=1 actions=move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],IN_PORT',
  'table=6, actions=drop',
].sort();

describe.each(versionsSpoken.map((version) => [versionName(version), version] as const))(
  'over %s',
  (_name, version) => {
    let client: OpenFlowClient;
    beforeEach(async () => {
      client = await bridge.client({ versions: [version] });
    });

    it('installs in a bundle what ovs-ofctl then dumps', async () => {
      await client.bundle(samples.map((text) => parseFlow(text)));
      expect(await bridge.dump()).toEqual(samples);
    });

    it('dumps what ovs-ofctl installed', async () => {
      for (const flow of samples) await bridge.lab.ofctl('-O', versionName(version), 'add-flow', 'br0', flow);
      const flows = await collect(client.dumpFlows());
      expect(flows.map(formatFlow).sort()).toEqual(await bridge.dump());
      expect(flows.every((flow) => flow.packets === 0n && flow.bytes === 0n)).toBe(true);
    });

    it('selects flows by cookie and mask in dumps, sums and deletions', async () => {
      const cookies = [0x5c01n, 0x5c02n, 0x7701n];
      const flows = cookies.map((cookie, index) =>
        parseFlow(`table=1,priority=${index},cookie=${cookie},actions=drop`),
      );
      await client.bundle(flows);
      const own = { cookie: 0x5c00n, cookieMask: 0xff00n };
      expect((await collect(client.dumpFlows(own))).map((flow) => flow.cookie).sort()).toEqual([0x5c01n, 0x5c02n]);
      expect((await client.aggregate(own)).flows).toBe(2);
      await client.change({ command: 'delete', ...own });
      expect((await collect(client.dumpFlows())).map((flow) => flow.cookie)).toEqual([0x7701n]);
    });

    it('discards a bundle of which one message is refused while adding', async () => {
      const bad: FlowMod = { command: 'add', match: match({ tcp_dst: 80 }), instructions: {} };
      const bundled = client.bundle([parseFlow('table=1,actions=drop'), bad, parseFlow('table=2,actions=drop')]);
      await expect(bundled).rejects.toMatchObject({
        code: 'OPENFLOW_REFUSED',
        refusals: [{ index: 1, error: { name: 'OFPBMC_BAD_PREREQ' } }],
      });
      expect(await bridge.dump()).toEqual([]);
    });

    it('applies nothing of a bundle that fails at its commit, and names the message', async () => {
      await client.change(parseFlow('table=1,priority=5,in_port=1,actions=drop'));
      const overlapping = parseFlow('table=1,priority=5,ip,check_overlap,actions=drop');
      const failed = await client
        .bundle([parseFlow('table=2,actions=drop'), overlapping])
        .catch((error: unknown) => error as OpenFlowRefusal);
      expect(failed).toBeInstanceOf(OpenFlowRefusal);
      expect((failed as OpenFlowRefusal).refusals).toMatchObject([{ index: 1, error: { name: 'OFPFMFC_OVERLAP' } }]);
      expect(await bridge.dump()).toHaveLength(1);
    });

    it('carries out a group and the flow that needs it in one bundle, and reads both back', async () => {
      const buckets = [
        { weight: 1, actions: [{ kind: 'output', port: 1 }] },
        { weight: 2, actions: [{ kind: 'output', port: 2 }] },
      ] as const;
      await client.bundle([
        { kind: 'groupMod', command: 'add', group: 7, type: 'select', buckets },
        parseFlow('table=0,ip,actions=group:7'),
      ]);
      expect(await client.groups()).toMatchObject([{ group: 7, type: 'select', buckets }]);
      expect(await client.groupStats(7)).toMatchObject([{ group: 7, references: 1, packets: 0n }]);
      await client.change({ kind: 'groupMod', command: 'delete', group: groupAll });
      expect(await bridge.dump()).toEqual([]);
    });

    it('tells for each of many changes whether it was applied', async () => {
      const bad: FlowMod = { command: 'add', match: match({ tcp_dst: 80 }), instructions: {} };
      const results = await client.changeAll([
        parseFlow('table=1,actions=drop'),
        bad,
        parseFlow('table=2,actions=drop'),
      ]);
      expect(results.map((result) => result.isApplied)).toEqual([true, false, true]);
      expect(await bridge.dump()).toHaveLength(2);
    });

    it('streams the flows that are there and then every change', async () => {
      await client.change(parseFlow('table=1,priority=1,actions=drop'));
      const updates = client.monitorFlows({ table: 1 });
      expect((await updates.next()).value).toMatchObject({
        kind: version === 4 ? 'added' : 'initial',
        table: 1,
        priority: 1,
      });
      await client.change(parseFlow('table=1,priority=2,cookie=5,actions=output:1'));
      expect((await updates.next()).value).toMatchObject({ kind: 'added', priority: 2, cookie: 5n });
      await bridge.lab.ofctl(
        '-O',
        versionName(version),
        '--strict',
        'mod-flows',
        'br0',
        'table=1,priority=2,actions=output:2',
      );
      const modified = (await updates.next()).value as FlowUpdate;
      expect(modified).toMatchObject({ kind: 'modified', instructions: { apply: [{ kind: 'output', port: 2 }] } });
      await bridge.lab.ofctl('-O', versionName(version), '--strict', 'del-flows', 'br0', 'table=1,priority=1');
      expect((await updates.next()).value).toMatchObject({ kind: 'removed', reason: 'delete', priority: 1 });
      await updates.return();
      const again = client.monitorFlows({ table: 1 });
      expect((await again.next()).value).toMatchObject({ priority: 2 });
      await again.return();
    });

    it('describes ports and counts their packets', async () => {
      const descs = await client.portDescs();
      expect(descs.map((desc) => desc.name).sort()).toEqual(['br0', 'p1', 'p2', 'p3']);
      expect(descs.find((desc) => desc.name === 'p2')?.port).toBe(2);
      const [stats] = await client.portStats(2);
      expect(stats).toMatchObject({ port: 2 });
      expect(stats?.rxPackets).toBeTypeOf('bigint');
      expect((await client.portStats()).length).toBe(4);
    });

    it('reports a port that comes and goes', async () => {
      const seen: PortStatus[] = [];
      client.on('portStatus', (status) => seen.push(status));
      await bridge.lab.vsctl('add-port', 'br0', 'p9');
      await bridge.lab.vsctl('del-port', 'br0', 'p9');
      await client.barrier();
      const mine = seen.filter(({ desc }) => desc.name === 'p9').map(({ reason }) => reason);
      expect(mine[0]).toBe('add');
      expect(mine.at(-1)).toBe('delete');
    });

    it('reports a removed flow that asked for it', async () => {
      await client.change(parseFlow('table=1,priority=3,cookie=9,in_port=1,send_flow_rem,actions=drop'));
      const removed = once(client, 'flowRemoved');
      await client.change({ command: 'delete', table: 1 });
      expect((await removed)[0]).toMatchObject({ reason: 'delete', cookie: 9n, priority: 3, packets: 0n });
    });

    it('sends packets and gets those that flows send it', async () => {
      const listener = await bridge.client({
        versions: [version],
        asyncFilter: { packetIn: true, portStatus: false, flowRemoved: false },
      });
      await client.change(parseFlow('in_port=1,cookie=3,actions=CONTROLLER:60'));
      const came = once(listener, 'packetIn');
      const data = Uint8Array.from({ length: 60 }, (_, index) => index);
      await client.packetOut({ inPort: 1, actions: [{ kind: 'output', port: port.table }], data });
      const [packet] = (await came) as [PacketIn];
      expect(packet).toMatchObject({ cookie: 3n, match: [{ field: 'in_port', value: 1 }] });
      expect(packet.data).toEqual(data);
    });

    it('keeps meters, configuration and role', async () => {
      const meter = { meter: 5, flags: 1, bands: [{ kind: 'drop', rate: 1000, burst: 0 }] } as const;
      await client.change({ kind: 'meterMod', command: 'add', ...meter });
      expect(await client.meters()).toMatchObject([{ meter: 5, bands: [{ kind: 'drop', rate: 1000 }] }]);
      await client.change({ kind: 'meterMod', command: 'delete', meter: 5 });
      expect((await client.config()).missSendLength).toBeGreaterThan(0);
      expect(await client.role()).toMatchObject({ role: 'equal' });
      expect((await client.tableStats())[0]).toMatchObject({ table: 0, flows: 0 });
    });
  },
);

describe('an OpenFlow client', () => {
  it('names a refused single change', async () => {
    const client = await bridge.client();
    await expect(client.change(parseFlow('actions=group:99'))).rejects.toMatchObject({
      code: 'OPENFLOW_REFUSED',
      refusals: [{ index: 0, error: { name: 'OFPBAC_BAD_OUT_GROUP' } }],
    });
  });

  it('refuses a second monitor while one runs', async () => {
    const client = await bridge.client();
    const first = client.monitorFlows();
    const waiting = first.next();
    await expect(client.monitorFlows().next()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await client.change(parseFlow('actions=drop'));
    expect((await waiting).value).toMatchObject({ kind: 'added' });
    await first.return();
  });

  it('dumps many flows to a slow reader without holding them all', async () => {
    const client = await bridge.client();
    const flows = Array.from({ length: 5000 }, (_, index) =>
      parseFlow(`table=2,priority=1,reg0=${index},actions=drop`),
    );
    await client.bundle(flows);
    let count = 0;
    for await (const part of client.dumpFlowParts({ table: 2 })) {
      count += part.length;
      await new Promise(setImmediate);
    }
    expect(count).toBe(5000);
    await client.barrier();
  });

  it('connects again after the switch was killed, and finds it empty', async () => {
    await using own = await BridgeLab.start();
    const client = await own.client();
    await client.change(parseFlow('actions=drop'));
    const states: string[] = [];
    client.on('state', (state) => states.push(state.kind));
    const monitor = client.monitorFlows({}, { withInitial: false });
    const lost = expect(monitor.next()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await own.lab.killVswitchd();
    await lost;
    await expect(client.barrier()).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await own.lab.startVswitchd();
    await client.ready();
    expect(states).toContain('waiting');
    expect(states.at(-1)).toBe('ready');
    expect(await collect(client.dumpFlows())).toEqual([]);
  });

  it('fails what is outstanding when it is closed', async () => {
    const client = await bridge.client();
    const pending = client.barrier();
    client.close();
    await expect(pending).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    await expect(client.barrier()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
  });

  it('speaks the version that the bridge allows', async () => {
    await bridge.lab.vsctl('set', 'bridge', 'br0', 'protocols=OpenFlow13,OpenFlow14');
    const client = await bridge.client();
    expect(client.state).toMatchObject({ kind: 'ready', version: 5 });
    await bridge.lab.vsctl('clear', 'bridge', 'br0', 'protocols');
  });
});
