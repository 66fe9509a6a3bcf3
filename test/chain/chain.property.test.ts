import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateChainIds, defaultCookieTag, isOwnCookie, noChainIds } from '../../src/chain/chain-id.js';
import { planFlows, type FlowChange } from '../../src/chain/plan-flows.js';
import { livePorts } from '../../src/chain/pipeline.js';
import type { ResolvedChain, Wire } from '../../src/chain/resolved.js';
import type { ChainsVerdict } from '../../src/chain/validate-chain.js';
import type { ChainIntent, ChainSwitch, ChainVlan } from '../../src/model/chain.js';
import type { Flow, ObservedFlow } from '../../src/model/flow.js';
import { flowKey, formatFlow } from '../../src/model/flow-text.js';
import {
  access,
  chainIntent,
  chainPort,
  chainSwitch,
  flowsOf,
  idsOf,
  sfcPort,
  tagged,
  validate,
  worldIndex,
} from '../fakes/chain-world.js';
import { FlowSwitch, type Frame } from '../fakes/flow-switch.js';

const portNames = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const stations = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03', '02:00:00:00:00:04'];
const group = '01:00:5e:00:00:01';

/** Where each port is plugged: a switch of the chains red (two) and green (one), or nowhere. */
const slots = fc.tuple(...portNames.map(() => fc.constantFrom('red 0', 'red 1', 'green 0', 'green 0', 'none')));

interface Style {
  /** The VLAN of each port by its place, round robin. */
  readonly vlans: readonly (ChainVlan | undefined)[];
  readonly macMove: 'allow' | 'refuse';
  /** The first port has this station pinned. */
  readonly pinned: string | undefined;
}

const style: fc.Arbitrary<Style> = fc.record({
  vlans: fc.oneof(
    { weight: 3, arbitrary: fc.constant([undefined]) },
    {
      weight: 1,
      arbitrary: fc.constantFrom([tagged(10), undefined], [access(20), undefined, undefined], [tagged(10), tagged(20)]),
    },
  ),
  macMove: fc.constantFrom('allow' as const, 'refuse' as const),
  pinned: fc.option(fc.constantFrom(...stations), { nil: undefined, freq: 3 }),
});

function plug(names: readonly string[], { vlans, pinned }: Style, trunk: string | undefined, tag: number): ChainSwitch {
  const ports = names.map((name, place) =>
    chainPort(name, {
      vlan: vlans[place % vlans.length],
      pinnedMacs: place === 0 && pinned !== undefined ? [pinned] : [],
    }),
  );
  return { name: undefined, ports: trunk === undefined ? ports : [...ports, chainPort(trunk, { vlan: tagged(tag) })] };
}

/** Two chains over the same ports, at times with one port that both use under VLANs of their own. */
const chains: fc.Arbitrary<readonly ChainIntent[]> = fc
  .record({ slots, red: style, green: style, isTrunked: fc.boolean() })
  .map(({ slots: places, red, green, isTrunked }) => {
    const trunk = isTrunked ? 'g' : undefined;
    const names = (slot: string) => portNames.filter((name, place) => places[place] === slot && name !== trunk);
    const build = (name: string, count: number, of: Style, tag: number) => {
      const plugged = Array.from({ length: count }, (_none, place) => names(`${name} ${place}`));
      const switches = plugged
        .map((members, place) => plug(members, of, place === 0 ? trunk : undefined, tag))
        .filter(({ ports }) => ports.length > 1);
      return switches.length === 0 ? [] : [chainIntent(name, switches, { macMove: of.macMove })];
    };
    return [...build('red', 2, red, 30), ...build('green', 1, green, 40)];
  });

/** One more chain, over ports that the others have too. */
const chain = fc
  .subarray(portNames, { minLength: 2, maxLength: 3 })
  .map((names) => chainIntent('blue', [chainSwitch(...names)]));

/** Numbers of the ports: mostly 1 to 7; some renumbered, some without one yet, some that could not be opened. */
const numbers = fc.tuple(
  ...portNames.map((_name, place) =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(place + 1) },
      { weight: 1, arbitrary: fc.constantFrom(place + 8, undefined, -1) },
    ),
  ),
);

const frame: fc.Arbitrary<Frame> = fc.record({
  inPort: fc.integer({ min: 1, max: 14 }),
  src: fc.constantFrom(...stations, group),
  dst: fc.constantFrom(...stations, group, '02:00:00:00:00:99'),
  vlans: fc.constantFrom([], [], [], [10], [20], [30], [40], [10, 20]),
});
const frames = fc.array(frame, { minLength: 10, maxLength: 40 });

/** Flows of somebody else, on keys of their own and, now and then, in the way of ours. */
const foreignFlow: fc.Arbitrary<ObservedFlow> = fc
  .record({
    inPort: fc.integer({ min: 1, max: 10 }),
    priority: fc.constantFrom(0, 20, 30, 100),
    table: fc.constantFrom(0, 1, 14),
    cookie: fc.constantFrom(0n, 0x99n, 0x5cdb_0000_0000_0001n),
  })
  .map(({ inPort, priority, table, cookie }) => ({
    table,
    priority,
    match: { inPort },
    actions: [{ kind: 'output', port: 77 }],
    cookie,
    idleTimeout: 0,
    hardTimeout: 0,
    packets: 3n,
    bytes: 300n,
  }));

function verdictOf(wanted: readonly ChainIntent[], ofports: readonly (number | undefined)[], before?: ChainsVerdict) {
  const ports = portNames.map((name, place) => sfcPort(name, ofports[place]));
  return validate(wanted, worldIndex({ ports }), before?.accepted);
}

function bring(at: FlowSwitch, verdict: ChainsVerdict, ids = idsOf(verdict)): readonly FlowChange[] {
  const { changes } = planFlows(flowsOf(verdict, ids), new Map([['br-sfc', at.dump()]]));
  for (const change of changes) at.apply(change);
  return changes;
}

function wireFits(wire: Wire, vlans: readonly number[]): boolean {
  if (wire.kind === 'any') return true;
  return wire.kind === 'untagged' ? vlans.length === 0 : vlans[0] === wire.vid;
}

/** The ports of the one switch that takes the frame. */
function switchFor(frameIn: Frame, inForce: readonly ResolvedChain[]) {
  const all = inForce.flatMap((entry) => entry.switches);
  const takers = all.filter((entry) =>
    livePorts(entry).some(({ ofport, wire }) => ofport === frameIn.inPort && wireFits(wire, frameIn.vlans)),
  );
  expect(takers.length).toBeLessThanOrEqual(1);
  return takers[0] === undefined ? [] : livePorts(takers[0]);
}

const text = (flows: readonly Flow[]): readonly string[] => flows.map(formatFlow).sort();

describe('the flows of chains', () => {
  it('converge: after one plan there is nothing left to do, whatever was there', () => {
    fc.assert(
      fc.property(chains, chains, numbers, numbers, frames, (before, after, oldNumbers, newNumbers, traffic) => {
        const world = new FlowSwitch();
        const old = verdictOf(before, oldNumbers);
        const ids = idsOf(old);
        bring(world, old, ids);
        for (const entry of traffic) world.receive(entry);
        const next = verdictOf(after, newNumbers, old);
        const nextIds = allocateChainIds(ids, next.accepted.keys());
        bring(world, next, nextIds);
        expect(planFlows(flowsOf(next, nextIds), new Map([['br-sfc', world.dump()]])).changes).toEqual([]);
      }),
    );
  });

  it('are not touched while nothing changes, learned ones included', () => {
    fc.assert(
      fc.property(chains, numbers, frames, (wanted, ofports, traffic) => {
        const world = new FlowSwitch();
        const verdict = verdictOf(wanted, ofports);
        bring(world, verdict);
        for (const entry of traffic) world.receive(entry);
        expect(bring(world, verdictOf([...wanted].reverse(), ofports, verdict))).toEqual([]);
      }),
    );
  });

  it('never touch the flows of others, nor take their place', () => {
    fc.assert(
      fc.property(chains, numbers, fc.array(foreignFlow, { maxLength: 6 }), (wanted, ofports, foreign) => {
        const world = new FlowSwitch(foreign);
        const theirs = text(world.dump());
        const verdict = verdictOf(wanted, ofports);
        const changes = bring(world, verdict);
        expect(text(world.dump().filter((flow) => !isOwnCookie(flow.cookie, defaultCookieTag)))).toEqual(theirs);
        for (const change of changes) {
          const cookie = change.kind === 'deleteCookie' ? change.cookie : change.flow.cookie;
          expect(isOwnCookie(cookie, defaultCookieTag)).toBe(true);
        }
        bring(world, verdictOf([], ofports));
        expect(text(world.dump())).toEqual(theirs);
      }),
    );
  });

  it('do not depend on the order in which chains and ports are named', () => {
    fc.assert(
      fc.property(chains, numbers, (wanted, ofports) => {
        const plain = verdictOf(wanted, ofports);
        const turned = verdictOf([...wanted].reverse(), ofports);
        const list = (verdict: ChainsVerdict) =>
          planFlows(flowsOf(verdict), new Map([['br-sfc', []]])).changes.map((change) =>
            change.kind === 'deleteCookie' ? '' : formatFlow(change.flow),
          );
        expect(list(turned)).toEqual(list(plain));
      }),
    );
  });

  it('never name a port whose number is not known', () => {
    fc.assert(
      fc.property(chains, numbers, (wanted, ofports) => {
        const known = new Set(ofports.filter((number) => number !== undefined && number > 0));
        const flows = [...(flowsOf(verdictOf(wanted, ofports)).flows.get('br-sfc')?.values() ?? [])];
        for (const { flow } of flows) {
          const named = [flow.match.inPort, flow.match.reg0, flow.match.reg1].filter((number) => (number ?? 0) !== 0);
          for (const action of flow.actions) if (action.kind === 'output') named.push(action.port);
          for (const number of named) expect(known).toContain(number);
        }
      }),
    );
  });

  it('keep every frame inside its switch, on the right VLAN, and away from the port it came from', () => {
    let sentCount = 0;
    fc.assert(
      fc.property(chains, numbers, frames, (wanted, ofports, traffic) => {
        const world = new FlowSwitch();
        const verdict = verdictOf(wanted, ofports);
        bring(world, verdict);
        for (const entry of traffic) {
          const ports = switchFor(entry, verdict.chains);
          for (const sent of world.receive(entry)) {
            sentCount += 1;
            expect(sent.port).not.toBe(entry.inPort);
            const out = ports.find(({ ofport }) => ofport === sent.port);
            expect(out).toBeDefined();
            if (out?.wire.kind === 'tag') expect(sent.vlans[0]).toBe(out.wire.vid);
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(sentCount).toBeGreaterThan(1000);
  });

  it('send each frame out of a port at most once', () => {
    fc.assert(
      fc.property(chains, numbers, frames, (wanted, ofports, traffic) => {
        const world = new FlowSwitch();
        bring(world, verdictOf(wanted, ofports));
        for (const entry of traffic) {
          const out = world.receive(entry).map((sent) => sent.port);
          expect(new Set(out).size).toBe(out.length);
        }
      }),
    );
  });

  it('change make-before-break: a frame with a path before and after has one at every step between', () => {
    let lastingCount = 0;
    fc.assert(
      fc.property(chains, chains, numbers, numbers, frames, frames, (before, after, oldNo, newNo, taught, probes) => {
        const world = new FlowSwitch();
        const old = verdictOf(before, oldNo);
        const ids = idsOf(old);
        bring(world, old, ids);
        for (const entry of taught) world.receive(entry);
        const next = verdictOf(after, newNo, old);
        const nextIds = allocateChainIds(ids, next.accepted.keys());
        const { changes } = planFlows(flowsOf(next, nextIds), new Map([['br-sfc', world.dump()]]));
        const start = world.clone();
        const end = world.clone();
        for (const change of changes) end.apply(change);
        const lasting = probes.filter(
          (probe) => start.clone().receive(probe).length > 0 && end.clone().receive(probe).length > 0,
        );
        lastingCount += lasting.length;
        for (const change of changes) {
          world.apply(change);
          for (const probe of lasting) expect(world.clone().receive(probe).length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 300 },
    );
    // The property says nothing unless frames do have paths.
    expect(lastingCount).toBeGreaterThan(100);
  });

  it('keep their counters through a change of something else', () => {
    fc.assert(
      fc.property(chains, chain, numbers, frames, (wanted, extra, ofports, traffic) => {
        const world = new FlowSwitch();
        const old = verdictOf(wanted, ofports);
        const ids = idsOf(old);
        bring(world, old, ids);
        for (const entry of traffic) world.receive(entry);
        const counted = new Map(world.dump().map((flow) => [flowKey(flow), flow.packets]));
        const more = wanted.some(({ name }) => name === extra.name) ? wanted : [...wanted, extra];
        const next = verdictOf(more, ofports, old);
        bring(world, next, allocateChainIds(ids, next.accepted.keys()));
        const now = new Map(world.dump().map((flow) => [flowKey(flow), flow.packets]));
        for (const [key, packets] of counted) expect(now.get(key)).toBe(packets);
      }),
    );
  });
});

describe('numbers of chains', () => {
  it('are never shared, stay, and do not depend on order', () => {
    const names = fc.uniqueArray(fc.string({ maxLength: 8 }), { maxLength: 30 });
    fc.assert(
      fc.property(names, names, (first, second) => {
        const ids = allocateChainIds(noChainIds, first);
        const next = allocateChainIds(ids, second);
        const given = [...next.chains.values()].map(({ id }) => id);
        expect(new Set(given).size).toBe(second.length);
        for (const name of second) {
          const before = ids.chains.get(name);
          if (before !== undefined) expect(next.chains.get(name)).toEqual(before);
        }
        expect(allocateChainIds(ids, [...second].reverse())).toEqual(next);
      }),
    );
  });
});
