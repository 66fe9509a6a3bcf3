import { describe, expect, it } from 'vitest';
import { countReasons, factsOf, failuresOf } from '../../src/agent/attach-outcome.js';
import { failing, readyVerdict, type AttachmentVerdict, type Verdict } from '../../src/attach/attachment.js';
import { podOf } from '../fakes/attach-inputs.js';

const broken = failing('InterfaceError', 'no device', 'could not open');

function entry(name: string, verdict: Verdict, nadKey = 'default'): AttachmentVerdict {
  const facts = { request: undefined, device: 'rep0-1', heldBy: undefined, isPlugged: false, evidence: {} };
  return { key: `u-${name}|${nadKey}`, pod: podOf(name), nadKey, verdict, ...facts };
}

describe('what the loop says', () => {
  it('counts reasons and shows a bounded number of failures', () => {
    const verdicts = [
      entry('ok', readyVerdict),
      ...Array.from({ length: 80 }, (_, index) => entry(`p${index}`, broken)),
    ];
    expect(countReasons(verdicts)).toEqual({ Ready: 1, InterfaceError: 80 });
    const failures = failuresOf(verdicts);
    expect(failures).toHaveLength(50);
    expect(failures[0]).toEqual({ label: 'ns/p0', reason: 'InterfaceError', message: 'no device', device: 'rep0-1' });
  });

  it('shows at most three failures of one pod, so that it does not hide the others', () => {
    const hog = Array.from({ length: 60 }, (_, index) => entry('hog', broken, `ns/n${index}`));
    const labels = failuresOf([...hog, entry('web', broken)]).map(({ label }) => label);
    expect(labels).toEqual(['ns/hog network ns/n0', 'ns/hog network ns/n1', 'ns/hog network ns/n2', 'ns/web']);
  });

  it('shows every pod with all its networks, those without any too', () => {
    const pods = new Map([podOf('a'), podOf('b')].map((pod) => [pod.uid, pod]));
    const verdicts = [entry('a', readyVerdict), entry('a', broken, 'ns/blue')];
    const facts = factsOf(verdicts, { ages: new Map(), desired: new Map(), nowWallMs: 5, pods });
    expect(facts.map(({ name, attachments }) => [name, attachments.map(({ nadKey }) => nadKey)])).toEqual([
      ['a', ['default', 'ns/blue']],
      ['b', []],
    ]);
  });
});
