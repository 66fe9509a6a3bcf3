/** A client in another language, with another implementation of gRPC and protobuf, and without a file of the agent's. */

import { chmod } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { Rig } from '../agent/rig.js';
import { callFromPython, type PythonAnswer } from './python-client.js';
import { addressesOf, wordsOf } from './stage.js';

const nobody = { uid: 65_534, gid: 65_534 };

/** The only message of an answer. */
function only({ messages, code, details }: PythonAnswer | undefined = {}): Record<string, unknown> {
  const [first] = messages ?? [];
  if (first === undefined) throw new Error(`no message: ${code} ${details}`);
  return first;
}

describe('a client in Python that knows nothing but the address', () => {
  let rig: Rig;
  let agent: AgentProcess;
  let address: string;
  beforeAll(async () => {
    rig = await Rig.start({ vswitchd: true });
    const bridges = [{ name: 'br-int', ports: [{ kind: 'internal', name: 'int0', vlan: { tag: 5 } }] }];
    agent = await rig.agent({ bridges, api: { grpc: { group: String(nobody.gid) }, http: { mode: 'off' } } });
    await agent.ready(0);
    address = (await addressesOf(agent)).unix;
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it('finds every service, and makes its messages from what the server says of itself', async () => {
    const result = await callFromPython(address, [
      { method: 'dpu.agent.v1.NodeService/GetStatus' },
      { method: 'dpu.agent.v1.TopologyService/WatchTopology', request: { kinds: ['OBJECT_KIND_PORT'] }, count: 1 },
      { method: 'grpc.health.v1.Health/Check' },
      { method: 'grpc.health.v1.Health/Check', request: { service: 'none' } },
    ]);
    expect(result.services).toEqual(
      [
        ...['Explain', 'Intent', 'Journal', 'Node', 'Offload', 'Stats', 'Topology'].map(
          (name) => `dpu.agent.v1.${name}Service`,
        ),
        'grpc.health.v1.Health',
      ].sort(),
    );
    const [status, topology, health, unknown] = result.answers;
    expect(only(status)).toHaveProperty('status.observedAt');
    const { snapshot } = only(topology) as {
      snapshot: { isComplete: boolean; objects: readonly { ref: { name: string }; port: { tag?: number } }[] };
    };
    expect(snapshot.isComplete).toBe(true);
    const names = snapshot.objects.map(({ ref }) => ref.name).sort();
    expect(names).toEqual((await wordsOf(rig.lab, 'list-ports', 'br-int')).concat('br-int').sort());
    expect(snapshot.objects.find(({ ref }) => ref.name === 'int0')?.port.tag).toBe(5);
    expect(only(health)).toEqual({ status: 'SERVING' });
    expect(unknown).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is told what is wrong with its request, and that a method does not exist', async () => {
    const { answers } = await callFromPython(address, [
      { method: 'dpu.agent.v1.IntentService/Apply', request: { owner: 'Not An Owner', generation: 1 } },
      { method: 'dpu.agent.v1.TopologyService/GetTopology', request: { kinds: ['OBJECT_KIND_INTENT'] } },
    ]);
    expect(answers.map(({ code }) => code)).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT']);
  });

  it('may only look when it belongs to somebody without a grant', async () => {
    // The rights of the socket itself are what is under test.
    await chmod(rig.lab.dir, 0o711);
    const { answers } = await callFromPython(
      address,
      [
        { method: 'dpu.agent.v1.NodeService/GetStatus' },
        { method: 'dpu.agent.v1.IntentService/Delete', request: { owner: 'fleet' } },
      ],
      nobody,
    );
    expect(only(answers[0])).toHaveProperty('status.observedAt');
    expect(answers[1]).toEqual({ code: 'PERMISSION_DENIED', details: expect.stringContaining('uid 65534') as string });
  });
});
