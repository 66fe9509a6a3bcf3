import { describe, expect, it } from 'vitest';
import { AttachRig, attachSays, eventually } from './attach-rig.js';

describe('pods of the host cluster', () => {
  it('are attached, reach one another, and leave nothing behind', async () => {
    await using rig = await AttachRig.start();
    const agent = await rig.agent();
    await attachSays(agent, ({ mode, cluster }) => mode === 'on' && cluster.kind === 'synced', 'that it may plug');
    const [first, second] = await rig.half.runPods([
      { namespace: 'default', name: 'web-0' },
      { namespace: 'default', name: 'web-1' },
    ]);
    if (first === undefined || second === undefined) throw new Error('two pods were asked for');
    expect([...(await rig.ports())].sort()).toHaveLength(2);
    const [address = ''] = second.interfaces[0]?.cidrs ?? [];
    await eventually(() => rig.hosts.ping(first.role, address.split('/')[0] ?? ''), 'the pods reach one another');
    await rig.half.stopPods([first, second]);
    await eventually(async () => ((await rig.ports()).length === 0 ? true : undefined), 'the ports are gone');
  });
});
