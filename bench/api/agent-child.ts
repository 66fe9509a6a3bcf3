/** The agent's part in a process of its own: replica, topology hub and TopologyService. Arguments: database socket, API socket. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { monitoredColumns, OvsdbStore } from '../../src/adapters/ovsdb-store.js';
import type { AgentStatus } from '../../src/agent/status.js';
import { defaultHubOptions, TopologyHub } from '../../src/agent/topology-hub.js';
import { encodeKind } from '../../src/api/encode/common.js';
import { topologyService } from '../../src/api/services/topology.js';
import type { OpenVswitchDatabase } from '../../src/gen/open-vswitch.js';
import { systemClock } from '../../src/lib/clock.js';
import type { Condition } from '../../src/model/condition.js';
import type { ObservedPort } from '../../src/model/observed.js';
import { OvsdbClient } from '../../src/ovsdb/index.js';
import { serveOpen } from '../../test/fakes/open-grpc.js';
import type { Answer, Question } from './agent-messages.js';

const [databaseSocket = '', apiSocket = '', stepCountMax = '1024'] = process.argv.slice(2);

const client = new OvsdbClient<OpenVswitchDatabase>({
  endpoints: [`unix:${databaseSocket}`],
  database: 'Open_vSwitch',
  monitor: Object.fromEntries(Object.entries(monitoredColumns).map(([table, columns]) => [table, { columns }])),
  clock: systemClock,
  random: Math.random,
});
const store = new OvsdbStore(client, 5_000, undefined);

function conditionOf(port: ObservedPort): Condition {
  const [main] = port.interfaces;
  return {
    object: { kind: 'port', name: port.name, bridge: port.bridge },
    state: 'waiting',
    reason: 'OfportPending',
    message: `Open vSwitch has not given ${port.name} a number yet.`,
    evidence: { ofport: String(main?.ofport), link_state: String(main?.linkState), mtu: String(main?.mtu) },
  };
}

let made: { readonly ports: unknown; readonly status: AgentStatus } | undefined;

/** As the loop of the ports says it: everything made anew after each change. */
function statusNow(): AgentStatus | undefined {
  const ports = store.snapshot()?.ports;
  if (ports === undefined) return made?.status;
  if (made?.ports !== ports) {
    made = {
      ports,
      status: { conditions: [...ports.values()].map(conditionOf), chains: [] } as unknown as AgentStatus,
    };
  }
  return made.status;
}

const quiet = { onChange: () => () => undefined };
const hub = new TopologyHub(
  {
    store,
    devices: { ...quiet, snapshot: () => new Map(), problem: () => undefined },
    intents: { ...quiet, intents: () => ({ bridges: [], ports: [] }) },
    status: { ...quiet, current: statusNow, pods: () => [] },
    clock: systemClock,
    onBug: (error) => {
      throw error;
    },
  },
  { ...defaultHubOptions, ring: { ...defaultHubOptions.ring, stepCountMax: Number(stepCountMax) } },
);

const delay = monitorEventLoopDelay({ resolution: 1 });
let lastVersion = 0n;

function answer(question: Question): Answer {
  const { version, objects } = hub.snapshot();
  if (question === 'versions') {
    const names = objects.map(({ ref, version: at }) => [`${encodeKind(ref.kind)} ${ref.name}`, String(at)] as const);
    return { kind: 'versions', version: String(version), objects: names };
  }
  const ms = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - 1);
  const { stepCount, objectCount, sizeBytes } = hub.stats();
  const figures = {
    kind: 'figures',
    delayP50: ms(delay.percentile(50)),
    delayP99: ms(delay.percentile(99)),
    delayMax: ms(delay.max),
    steps: Number(version - lastVersion),
    ring: { stepCount, objectCount, sizeBytes },
  } as const;
  lastVersion = version;
  delay.reset();
  return figures;
}

process.on('message', (question: Question) => process.send?.(answer(question)));
process.on('disconnect', () => process.exit());

const server = await serveOpen(
  [topologyService({ topology: hub, instanceId: 'bench', clock: systemClock })],
  apiSocket,
);
client.start();
for await (const event of hub.watch(0n, new AbortController().signal)) if (event.kind === 'delta') break;
delay.enable();
process.send?.({ kind: 'ready' } satisfies Answer);
process.on('exit', () => {
  for (const bug of server.bugs) process.stderr.write(`${String(bug)}\n`);
});
