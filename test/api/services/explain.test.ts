import { describe, expect, it } from 'vitest';
import { AgentExplainer } from '../../../src/agent/explainer.js';
import { explainService } from '../../../src/api/services/explain.js';
import { connect } from '../../../src/cli/api-client.js';
import { ExplainService, TraceResponse_Fate } from '../../../src/gen/proto/dpu/agent/v1/explain_pb.js';
import { systemClock } from '../../../src/lib/clock.js';
import { factsOf } from '../../attach/pod-facts.js';
import { chainView, portView, switchView } from '../../chain/chain-shapes.js';
import { agentStatus } from '../../cli/attach-shapes.js';
import { served, TestServer } from '../../cli/grpc-server.js';

const trace = ['bridge("br-sfc")', '----', ' 0. in_port=1, priority 100', '    output:2', 'Datapath actions: 2'].join(
  '\n',
);
const explainer = new AgentExplainer({
  status: {
    current: () => agentStatus({ chains: [chainView(switchView(0, portView('p0', 1), portView('p1', 2)))] }),
    pods: () => [factsOf()],
    onChange: () => () => undefined,
  },
  journal: { tail: () => [] },
  flows: { count: () => Promise.resolve({ taking: 1, sending: 2 }) },
  tracer: {
    run: (_signal, use) => use({ trace: () => Promise.resolve(trace), ports: () => Promise.resolve(new Map()) }),
  },
  looker: { look: () => Promise.resolve({ wallMs: 1_000, bridges: new Map(), problems: ['br-sfc is silent'] }) },
  observedPort: () => undefined,
  clock: systemClock,
});

describe('ExplainService', () => {
  const entry = explainService(explainer);
  const ask = async <T>(call: (client: ReturnType<typeof clientOf>) => Promise<T>): Promise<T> => {
    await using server = await TestServer.start(served(entry.service, entry.handlers));
    const connection = connect({ kind: 'unix', path: server.path }, { clock: systemClock });
    try {
      return await call(clientOf(connection));
    } finally {
      connection.close();
    }
  };
  const clientOf = (connection: ReturnType<typeof connect>) => connection.service(ExplainService);

  it('explains a pod with the time of what was seen', async () => {
    const { explanation, attach } = await ask((client) => client.explainPod({ namespace: 'shop', name: 'web-0' }));
    expect(explanation).toMatchObject({ isOk: true, uid: 'uid-web-0' });
    expect(explanation?.ladders[0]?.rungs.map(({ title }) => title)).toContain('OVS port');
    expect(explanation?.ladders[0]?.rungs[0]?.at).toBeDefined();
    expect(attach?.bridge).toBe('br-int');
  });

  it('tells a trace as data and as text', async () => {
    const answer = await ask((client) => client.trace({ chain: 'c', packet: 'udp,dport=53' }));
    expect(answer.fate).toBe(TraceResponse_Fate.DELIVERED);
    expect(answer.hops[0]).toMatchObject({ bridge: 'br-sfc', exits: [{ ofport: 2, name: 'p1' }] });
    expect(answer.text).toContain('DELIVERED to p1 #2');
  });

  it('tells which bridges of a chain could not be asked', async () => {
    expect((await ask((client) => client.lookAtChain({ name: 'c' }))).problems).toEqual(['br-sfc is silent']);
  });

  it('lets only operators trace, for that makes the switch work', () => {
    expect(entry.roles).toEqual({ trace: 'operator' });
  });

  it.each([
    ['a pod without namespace', 'API_INVALID', { namespace: '', name: 'web-0' }],
    ['a pod of a name that no pod has', 'API_INVALID', { namespace: 'shop', name: 'Web/0' }],
    ['a network that the pod has not', 'NOT_FOUND', { namespace: 'shop', name: 'web-0', network: 'shop/red' }],
    ['a network of endless name', 'API_INVALID', { namespace: 'shop', name: 'web-0', network: 'x'.repeat(600) }],
  ])('refuses %s', async (_what, code, request) => {
    await expect(ask((client) => client.explainPod(request))).rejects.toMatchObject({ code });
  });

  it('names the field of a packet that cannot be understood', async () => {
    await expect(ask((client) => client.trace({ chain: 'c', packet: 'nonsense' }))).rejects.toMatchObject({
      code: 'API_INVALID',
      violations: [{ field: 'packet' }],
    });
    await expect(ask((client) => client.trace({ chain: '' }))).rejects.toMatchObject({ code: 'API_INVALID' });
    await expect(ask((client) => client.explainChain({ name: 'cc' }))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
