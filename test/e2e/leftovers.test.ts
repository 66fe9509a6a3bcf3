/** The tests remove what they made, also after a failure: on somebody's cluster nothing may stay. */

import { describe, expect, it } from 'vitest';
import { AgentRig } from './agent-rig.js';
import { attachAnnotations } from './kube-object.js';
import { Stage } from './stage.js';

describe('a test that fails in the middle', () => {
  it('leaves nothing in the cluster', async () => {
    let rig: AgentRig | undefined;
    const failing = async (): Promise<void> => {
      rig = await AgentRig.open();
      await rig.startAgent();
      await rig.attachPod('left', 1, attachAnnotations(1));
      // As somebody else's controller might, to a node that looks like any other.
      await rig.stage.create(rig.stage.podOf('foreign', { namespace: rig.stage.leaseNamespace }));
      await rig.stage.admin.run(['delete', 'pod', 'left', '-n', rig.stage.name, '--wait=false']);
      throw new Error('the test failed');
    };
    await expect(failing()).rejects.toThrow('the test failed');
    if (rig === undefined) throw new Error('nothing was made');
    const { stage } = rig;
    expect(await stage.leftovers()).toContain(`node/${stage.name}`);
    await rig.agent.stop();
    await stage.clear();
    expect(await stage.leftovers()).toEqual([]);
    expect(await stage.lease()).toBeUndefined();
    await rig[Symbol.asyncDispose]();
  });

  it('leaves nothing in the cluster when it could not even begin', async () => {
    await using stage = await Stage.open();
    await stage.clear();
    expect(await stage.leftovers()).toEqual([]);
  });
});
