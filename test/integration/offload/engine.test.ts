/**
 * The engine of a switch that says of itself what OVS-DOCA says: initialised, lost over a restart, waited for. The database
 * and the restarts are real; what is written into the columns of DOCA is written by the hand of the lab.
 */
import { describe, expect, it } from 'vitest';
import { OffloadStatus_Engine as Engine } from '../../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import { findingsOf, OffloadRig, Verdict, verdictOf } from './offload-rig.js';

async function startRig(...pairs: readonly string[]): Promise<OffloadRig> {
  const rig = await OffloadRig.start({ isDoca: true });
  await rig.set('foreign-key=theirs', ...pairs);
  await rig.hand.startVswitchd();
  await rig.lab.vsctl('add-br', 'br-int', '--', 'set', 'Bridge', 'br-int', 'datapath_type=netdev');
  await rig.hand.told();
  return rig;
}

describe('the engine', () => {
  it('is told when it does less after a restart than before: an event, and a finding that stays', async () => {
    await using rig = await startRig('hw-offload=true', 'doca-init=true');
    const { api } = await rig.agent({});
    using _closing = api;
    const before = await api.until(({ engine }) => engine === Engine.DOCA, 'OVS-DOCA');
    expect(before.engineBasis.join('\n')).toContain('doca_initialized: true');
    expect(findingsOf(before, 'EngineRegressed')).toEqual([]);
    // A port of DOCA; the stock daemon has no such type, as one that has lost DOCA.
    await rig.lab.vsctl('--no-wait', 'add-port', 'br-int', 'pf0vf9', '--', 'set', 'Interface', 'pf0vf9', 'type=doca');

    await rig.lab.killVswitchd('SIGTERM');
    await rig.hand.startVswitchd({ fails: true });
    const after = await api.until((status) => findingsOf(status, 'EngineRegressed').length > 0, 'it does less');
    expect(after.engine).toBe(Engine.USERSPACE);
    const events = (await api.journal()).filter(({ summary }) => summary.includes('The offload engine was OVS-DOCA'));
    expect(events).toHaveLength(1);
    expect(events[0]?.details.join(' ')).toContain('does less');
    const missing = await api.until(
      (status) => findingsOf(status, 'EngineNotInitialized').length > 0,
      'not initialised',
    );
    expect(findingsOf(missing, 'EngineNotInitialized')[0]).toMatchObject({
      message: expect.stringContaining('pf0vf9') as string,
      evidence: { doca_initialized: 'false' },
    });

    await rig.lab.killVswitchd('SIGTERM');
    await rig.hand.startVswitchd();
    await api.until(
      (status) => status.engine === Engine.DOCA && findingsOf(status, 'EngineRegressed').length === 0,
      'OVS-DOCA again',
    );
    expect(await rig.rig.writes()).toBe(0);
  });

  it('waits for a restart where doca-init is declared, is never initialised by the agent, and is there after it', async () => {
    await using rig = await startRig();
    const { api } = await rig.agent({ settings: { 'doca-init': 'true' } });
    using _closing = api;
    const waiting = await api.until(({ supervision }) => supervision?.restart !== undefined, 'a restart is required');
    expect(waiting.supervision?.restart?.keys).toEqual(['doca-init']);
    const steps = waiting.supervision?.restart?.steps ?? [];
    // Such a key is written while no daemon runs that could read it at once.
    const positions = ['stop', 'other_config:doca-init=true', 'start'].map((word) =>
      steps.findIndex((step) => step.includes(word)),
    );
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(positions.every((position) => position >= 0)).toBe(true);
    expect((await rig.otherConfig()).has('doca-init')).toBe(false);
    expect(await rig.rig.writes()).toBe(0);

    await rig.lab.killVswitchd('SIGTERM');
    await rig.set('doca-init=true');
    await rig.hand.startVswitchd();
    const after = await api.until((status) => verdictOf(status, 'doca-init') === Verdict.IN_EFFECT, 'it is in effect');
    expect([after.engine, after.supervision?.restart]).toEqual([Engine.DOCA, undefined]);
  });
});
