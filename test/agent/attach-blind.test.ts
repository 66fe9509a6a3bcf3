import { describe, expect, it } from 'vitest';
import { blindVerdicts } from '../../src/agent/attach-blind.js';
import { waitingFor } from '../../src/attach/attachment.js';
import { planAttachments } from '../../src/attach/plan-attach.js';
import type { PodView } from '../../src/model/pod.js';
import { inputOf, podOf, worldOf } from '../fakes/attach-inputs.js';

const blind = waitingFor('OvsdbUnavailable', 'nobody listens', 'cannot be reached');
const podA = podOf('a', { details: { default: '0/1' } });

/** What is said of these pods, after a look at others. */
function said(before: readonly PodView[], now: readonly PodView[]) {
  const { verdicts } = planAttachments(inputOf(before, worldOf()));
  return blindVerdicts(new Map(now.map((pod) => [pod.uid, pod])), verdicts, blind);
}

describe('what is said while nothing can be observed', () => {
  it('keeps what was known of the same details', () => {
    const again = podOf('a', { details: { default: '0/1' }, resourceVersion: '2' });
    expect(said([podA], [again])).toMatchObject([{ pod: again, verdict: blind, device: 'pf0vf1', key: 'u-a|default' }]);
  });

  it('knows nothing of other details', () => {
    for (const details of ['0/2', '1/1', '0/1/s2']) {
      const [entry] = said([podA], [podOf('a', { details: { default: details } })]);
      expect(entry).toMatchObject({ device: undefined, isPlugged: false, evidence: {} });
    }
  });

  it('knows what a pod asks for that nobody has seen', () => {
    expect(said([], [podA])).toMatchObject([
      { request: { pf: 0, vf: 1, identity: { ifaceId: 'ns_a', sandboxId: 's1' } } },
    ]);
  });

  it('is nothing of pods that ask for nothing, or have ended, or cannot be read', () => {
    const pods = [
      podOf('q'),
      podOf('r', { details: '[]' }),
      podOf('s', { details: { default: '0/1' }, isTerminal: true }),
    ];
    expect(said([], pods)).toEqual([]);
  });

  it('keeps what was known where an entry cannot be read any more', () => {
    const broken = podOf('a', { details: '{"default":{"pfId":0,"vfId":"1","sandboxId":"s1"}}' });
    expect(said([podA], [broken])).toMatchObject([{ device: 'pf0vf1' }]);
    expect(said([], [broken])).toMatchObject([{ device: undefined, request: undefined }]);
  });
});
