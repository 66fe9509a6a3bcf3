import { describe, expect, it } from 'vitest';
import { fromSeenFlow, toFlowMod } from '../../../src/adapters/translate-flows.js';
import { planFlows } from '../../../src/chain/plan-flows.js';
import type { Flow } from '../../../src/model/flow.js';
import { doTheSame, flowKey, formatFlow } from '../../../src/model/flow-text.js';
import { OpenFlowClient } from '../../../src/openflow/index.js';
import {
  access,
  chainIntent,
  chainPort,
  chainSwitch,
  flowsOf,
  sfcPort,
  tagged,
  validate,
  worldIndex,
} from '../../fakes/chain-world.js';
import { collect } from '../openflow/bridge.js';
import { OvsLab } from '../lab/ovs.js';

/** Chains that together need every word of the pipeline. */
function everyFlow(): readonly Flow[] {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'];
  const ports = names.map((name, index) => sfcPort(name, index + 1));
  const pinned = chainPort('e', { pinnedMacs: ['02:00:00:00:00:aa'] });
  const chains = [
    chainIntent('wire', [chainSwitch('a', chainPort('b', { pinnedMacs: ['02:00:00:00:00:bb'] }))]),
    chainIntent('lan', [chainSwitch('c', 'd', pinned)]),
    chainIntent('homes', [chainSwitch('f', 'g', 'h')], { macMove: 'refuse', ageingSeconds: 60, stationCountMax: 7 }),
    chainIntent('vlans', [
      chainSwitch(chainPort('i', { vlan: tagged(100) }), chainPort('j', { vlan: tagged(200) }), 'k'),
      chainSwitch(chainPort('i', { vlan: tagged(300) }), chainPort('l', { vlan: access(300) })),
    ]),
  ];
  const verdict = validate(chains, worldIndex({ ports }));
  expect(verdict.refusals).toEqual([]);
  return [...(flowsOf(verdict).flows.get('br-sfc')?.values() ?? [])].map(({ flow }) => flow);
}

const learnedFlow = (flows: readonly Flow[], vlan: boolean): Flow => {
  const [some] = flows.filter(({ table }) => table === 14);
  const match = { metadata: some?.match.metadata, ethDst: { value: '02:00:00:00:00:77' } };
  return {
    table: 13,
    priority: 10,
    match: vlan ? { ...match, vlan: { kind: 'vidBits', vid: 0 } } : match,
    actions: [{ kind: 'loadRegister', register: 'reg0', value: 3 }],
    cookie: some?.cookie ?? 0n,
    idleTimeout: 0,
    hardTimeout: 300,
  };
};

describe.each(['OpenFlow13', 'OpenFlow14', 'OpenFlow15'])(
  'flows of the planner, written and read in %s',
  (protocol) => {
    it('come back from the switch as they were wanted, every one', async () => {
      await using lab = await OvsLab.start({ vswitchd: true });
      await lab.vsctl('add-br', 'br-sfc', '--', 'set', 'Bridge', 'br-sfc', 'fail_mode=secure', `protocols=${protocol}`);
      const path = `${lab.runDir}/br-sfc.mgmt`;
      const client = new OpenFlowClient({ endpoint: { kind: 'unix', path }, random: () => 0.5 });
      client.start();
      try {
        await client.ready();
        const wanted = everyFlow();
        const flows = [...wanted, learnedFlow(wanted, true), learnedFlow(wanted, false)];
        const adds = flows.map((flow) => toFlowMod({ kind: 'add', bridge: 'br-sfc', chain: 'x', flow }));
        await client.bundle(adds);
        const read = async (): Promise<Map<string, Flow>> =>
          new Map((await collect(client.dumpFlows())).map(fromSeenFlow).map((flow) => [flowKey(flow), flow]));
        const seen = await read();
        expect([...seen.keys()].sort()).toEqual(flows.map(flowKey).sort());
        for (const flow of flows) {
          const back = seen.get(flowKey(flow));
          expect(back === undefined ? undefined : formatFlow(back)).toBe(formatFlow(flow));
          expect(back !== undefined && doTheSame(back, flow) && back.cookie === flow.cookie).toBe(true);
        }
        // The flow monitor tells the same as the dump does.
        for await (const update of client.monitorFlows({})) {
          if (!('table' in update)) continue;
          const flow = fromSeenFlow(update);
          expect(formatFlow(flow)).toBe(formatFlow(seen.get(flowKey(flow)) ?? flow));
          seen.delete(flowKey(flow));
          if (seen.size === 0) break;
        }
        // Each one can be changed in place, and deleted alone.
        const bridge = 'br-sfc';
        const now = await read();
        const modified = [...now.values()].map((before) => {
          const flow: Flow = { ...before, actions: [] };
          return toFlowMod({ kind: 'modify', bridge, chain: 'x', flow, before: { ...before, packets: 0n, bytes: 0n } });
        });
        await client.bundle(modified);
        expect([...(await read()).values()].every(({ actions }) => actions.length === 0)).toBe(true);
        const [first, ...others] = [...now.values()];
        if (first === undefined) throw new Error('there are no flows');
        const gone = { kind: 'delete', bridge, flow: { ...first, packets: 0n, bytes: 0n }, cause: 'unwanted' } as const;
        await client.bundle([toFlowMod(gone)]);
        expect([...(await read()).keys()].sort()).toEqual(others.map(flowKey).sort());
        // A chain that goes takes with it what its cookie selects, and nothing else.
        const plan = planFlows(
          { tag: 0x5cda, flows: new Map(), scopes: new Map() },
          new Map([[bridge, others.map((flow) => ({ ...flow, packets: 0n, bytes: 0n }))]]),
        );
        const foreign = 'cookie=0x5cdb000000000001,table=0,priority=1,actions=drop';
        await lab.ofctl('-O', protocol, 'add-flow', bridge, foreign);
        await client.bundle(plan.changes.map(toFlowMod));
        expect([...(await read()).values()].map(({ cookie }) => cookie)).toEqual([0x5cdb000000000001n]);
      } finally {
        client.close();
      }
    });

    it('are seen as other flows when somebody has put in what the planner has no word for', async () => {
      await using lab = await OvsLab.start({ vswitchd: true });
      await lab.vsctl('add-br', 'br-sfc', '--', 'set', 'Bridge', 'br-sfc', 'fail_mode=secure', `protocols=${protocol}`);
      const strange = [
        'priority=1,tcp,tp_dst=80,actions=NORMAL',
        'priority=2,in_port=1,actions=output:2,set_field:9->reg0',
        'priority=3,in_port=1,actions=write_actions(output:2)',
        'priority=4,in_port=1,actions=output:2,clear_actions',
        'priority=5,in_port=1,vlan_tci=0x1064/0x1fff,actions=output:2',
        'priority=6,in_port=1,actions=write_metadata:0x1/0xff,goto_table:10',
        'priority=7,in_port=1,actions=learn(table=13,idle_timeout=5,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])',
        'priority=8,metadata=0x1/0xff,actions=drop',
      ];
      for (const flow of strange) await lab.ofctl('-O', protocol, 'add-flow', 'br-sfc', flow);
      const path = `${lab.runDir}/br-sfc.mgmt`;
      const client = new OpenFlowClient({ endpoint: { kind: 'unix', path }, random: () => 0.5 });
      client.start();
      try {
        await client.ready();
        const flows = (await collect(client.dumpFlows())).map(fromSeenFlow).sort((a, b) => a.priority - b.priority);
        const isStrange = ({ match, actions }: Flow): boolean =>
          match.other !== undefined || actions.some(({ kind }) => kind === 'other');
        expect(flows.map(isStrange)).toEqual([true, true, true, true, false, true, true, true]);
      } finally {
        client.close();
      }
    });
  },
);
