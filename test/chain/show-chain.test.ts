import { describe, expect, it } from 'vitest';
import { formatBundleFile, formatFlowPlan, ofctlCommand } from '../../src/chain/describe-flows.js';
import { drawChain } from '../../src/chain/draw-chain.js';
import { planFlows, type FlowPlan } from '../../src/chain/plan-flows.js';
import type { ChainIntent } from '../../src/model/chain.js';
import type { Condition } from '../../src/model/condition.js';
import type { ObservedFlow } from '../../src/model/flow.js';
import {
  chainIntent,
  chainPort,
  chainSwitch,
  flowsOf,
  sfcPort,
  tagged,
  validate,
  worldIndex,
} from '../fakes/chain-world.js';
import { FlowSwitch } from '../fakes/flow-switch.js';

const ports = ['p0', 'pf0vf3', 'sf5'].map((name, place) => sfcPort(name, place + 1));
const wire = chainIntent('wire', [chainSwitch('p0', 'pf0vf3')]);

const verdictOf = (chains: readonly ChainIntent[]) => validate(chains, worldIndex({ ports }));

function planOf(chains: readonly ChainIntent[], observed: readonly ObservedFlow[] = []): FlowPlan {
  return planFlows(flowsOf(verdictOf(chains)), new Map([['br-sfc', observed]]));
}

function installed(chains: readonly ChainIntent[]): readonly ObservedFlow[] {
  const world = new FlowSwitch();
  for (const change of planOf(chains).changes) world.apply(change);
  return world.dump();
}

describe('a plan in words', () => {
  it('shows each flow, the names of its ports, and the command that does the same', () => {
    const names = new Map([
      [
        'br-sfc',
        new Map([
          [1, 'p0'],
          [2, 'pf0vf3'],
        ]),
      ],
    ]);
    expect(
      formatFlowPlan(planOf([wire]), names)
        .split('\n')
        .slice(0, 3),
    ).toEqual([
      '+ br-sfc, chain wire: table=0,priority=100,in_port=1,actions=output:2',
      '    ports: 1 = p0, 2 = pf0vf3',
      "    $ ovs-ofctl -O OpenFlow15 add-flow br-sfc 'cookie=0x5cdaf5e51f010001, priority=100,in_port=1 actions=output:2'",
    ]);
  });

  it('shows what a changed flow did and does', () => {
    const other = chainIntent('wire', [chainSwitch('p0', 'sf5')]);
    const text = formatFlowPlan(planOf([other], installed([wire])));
    expect(text).toContain(
      '~ br-sfc, chain wire: table=0,priority=100,in_port=1\n    - actions=output:2\n    + actions=output:3',
    );
    expect(text).toContain(
      "$ ovs-ofctl -O OpenFlow15 --strict mod-flows br-sfc 'table=0,priority=100,in_port=1,actions=output:3'",
    );
    expect(text).toContain("$ ovs-ofctl -O OpenFlow15 --strict del-flows br-sfc 'table=0,priority=100,in_port=2'");
  });

  it('removes a whole chain by one command', () => {
    const { changes } = planOf([], installed([wire]));
    expect(changes.map(ofctlCommand)).toEqual([
      "ovs-ofctl -O OpenFlow15 del-flows br-sfc 'cookie=0x5cdaf5e51f010001/0xffffffffffffffff'",
    ]);
  });

  it('is one file for a bundle', () => {
    const other = chainIntent('wire', [chainSwitch('p0', 'sf5')]);
    expect(formatBundleFile(planOf([other], installed([wire])), 'br-sfc').split('\n')).toEqual([
      'add cookie=0x5cdaf5e51f010001, priority=100,in_port=3 actions=output:1',
      'modify_strict table=0,priority=100,in_port=1,actions=output:3',
      'delete_strict table=0,priority=100,in_port=2',
      '',
    ]);
  });
});

describe('the picture of a chain', () => {
  const chain = chainIntent('edge', [
    chainSwitch(chainPort('p0', { vlan: tagged(100) }), 'pf0vf3', 'sf5'),
    chainSwitch(chainPort('\u001b[31mevil'), chainPort('none')),
  ]);
  const verdict = validate([chain], worldIndex({ ports }), new Map([['edge', chain]]));
  const down: Condition = {
    object: { kind: 'chainPort', name: 'edge/1/labels id=sf5', bridge: 'br-sfc' },
    state: 'failed',
    reason: 'LinkDown',
    message: 'The link of sf5 is down.',
    evidence: {},
  };
  const received = { packets: 12_345n, bytes: 1_234_567n, drops: 2n, packetsPerSecond: 1234, bitsPerSecond: 9_876_543 };
  const text = verdict.chains
    .map((entry) =>
      drawChain({
        chain: entry,
        conditions: [down],
        traffic: new Map([['p0', { received, sent: {} }]]),
        stations: new Map([[0, 3]]),
      }),
    )
    .join('');

  it('shows every switch and port, with rates, counters and drops both ways', () => {
    const lines = text.split('\n');
    expect(lines[0]).toBe('chain edge (on br-sfc)');
    expect(lines[1]).toBe('├─ switch 1: learning switch of 3 ports, 3 station(s) learned');
    expect(lines[2]).toMatch(
      /p0 #1 VLAN 100 {2}labels id=p0 +▶ +1\.2 kp\/s +9\.9 Mbit\/s +12\.3 kpackets +1\.2 MB +2 dropped$/,
    );
    expect(lines[3]).toMatch(/◀ +\? p\/s/);
  });

  it('says under a port what is wrong with it', () => {
    expect(text).toMatch(/✗ sf5 #3.*\n.*\n.*LinkDown: The link of sf5 is down\./);
    expect(text).toContain('(none) #?');
  });

  it('lets no foreign name drive the terminal', () => {
    expect(text).not.toContain('\u001b');
    expect(text).toContain(String.raw`\u001b[31mevil`);
  });
});
