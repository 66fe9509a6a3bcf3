import { describe, expect, it } from 'vitest';
import {
  failing,
  readyVerdict,
  refusing,
  waitingFor,
  type AttachmentVerdict,
  type Verdict,
} from '../../src/attach/attachment.js';
import { desireStatus, statusChanges, type AttachmentAge } from '../../src/attach/desire-status.js';
import { podView } from '../fakes/pods.js';

const timing = { waitMs: 110_000, holdMs: 10_000 };
const statusKey = 'k8s.ovn.org/dpu.connection-status';
const detailsKey = 'k8s.ovn.org/dpu.connection-details';

function entryOf(verdict: Verdict, isPlugged = false): AttachmentVerdict {
  const pod = podView();
  const facts = { request: undefined, device: 'rep0-1', heldBy: undefined, isPlugged, evidence: {} };
  return { key: `${pod.uid}|default`, pod, nadKey: 'default', verdict, ...facts };
}

const pending = waitingFor('OvnNotInstalled', 'not yet', 'not installed');
const broken = failing('InterfaceError', 'no device', 'could not open');
const silent = failing('VswitchdSilent', 'it does not answer', 'no answer');
const refused = refusing('RepresentorClaimedTwice', 'held by another', 'in use');
const unreadable = refusing('DetailsInvalid', 'no JSON', 'invalid details');
const error = (reason: string): object => ({ status: 'Error', reason });
const ready = { status: 'Ready', reason: undefined };

interface Row {
  readonly title: string;
  readonly verdict: Verdict;
  readonly isPlugged?: boolean;
  readonly age?: Partial<AttachmentAge>;
  readonly shown?: string;
  readonly wanted: unknown;
}

const rows: readonly Row[] = [
  { title: 'is Ready on evidence', verdict: readyVerdict, wanted: ready },
  { title: 'is Ready on evidence although Error was shown', verdict: readyVerdict, shown: 'Error', wanted: ready },
  { title: 'is Error at once for what is refused', verdict: refused, wanted: error('in use') },
  { title: 'replaces a forged Ready by Error', verdict: refused, shown: 'Ready', wanted: error('in use') },
  { title: 'is nothing while something is waited for', verdict: pending, wanted: 'none' },
  { title: 'takes back what was said of a former sandbox', verdict: pending, shown: 'Ready', wanted: 'none' },
  { title: 'takes back an Error that would fail the next ADD', verdict: pending, shown: 'Error', wanted: 'none' },
  {
    title: 'is Error when the wait is too long',
    verdict: pending,
    age: { ageMs: 110_000 },
    wanted: error('not installed'),
  },
  {
    title: 'keeps a Ready of which nothing is known yet',
    verdict: pending,
    age: { ageMs: 900_000, isUncertain: true },
    shown: 'Ready',
    wanted: 'same',
  },
  {
    title: 'keeps no Error of which nothing is known yet',
    verdict: pending,
    age: { isUncertain: true },
    shown: 'Error',
    wanted: 'none',
  },
  {
    title: 'counts lost evidence from when it was seen to be lost',
    verdict: pending,
    age: { ageMs: 900_000, sinceReadyMs: 60_000, missedMs: 10_000 },
    shown: 'Ready',
    wanted: 'same',
  },
  {
    title: 'is Error when evidence has been missing for long',
    verdict: pending,
    age: { ageMs: 900_000, sinceReadyMs: 60_000, missedMs: 10_001 },
    shown: 'Ready',
    wanted: error('not installed'),
  },
  {
    title: 'keeps the words of an Error while another reason is new',
    verdict: pending,
    age: { ageMs: 110_000, reasonMs: 9_999 },
    shown: 'Error',
    wanted: 'same',
  },
  {
    title: 'changes the words of an Error when the other reason lasts',
    verdict: pending,
    age: { ageMs: 110_000, reasonMs: 10_000 },
    shown: 'Error',
    wanted: error('not installed'),
  },
  { title: 'bears a fault for a moment', verdict: broken, age: { ageMs: 9_999 }, wanted: 'none' },
  { title: 'is Error when a fault lasts', verdict: broken, age: { ageMs: 10_000 }, wanted: error('could not open') },
  {
    title: 'keeps Ready over a restart of the agent, when the rows are those of the pod',
    verdict: pending,
    isPlugged: true,
    shown: 'Ready',
    wanted: 'same',
  },
  {
    title: 'keeps Ready over a restart of the switch',
    verdict: broken,
    isPlugged: true,
    age: { ageMs: 500_000, sinceReadyMs: 9_000 },
    shown: 'Ready',
    wanted: 'same',
  },
  {
    title: 'takes Ready back when evidence stays away',
    verdict: broken,
    isPlugged: true,
    age: { ageMs: 500_000, sinceReadyMs: 10_001 },
    shown: 'Ready',
    wanted: error('could not open'),
  },
  {
    title: 'leaves an attached port alone when its details cannot be read any more',
    verdict: unreadable,
    isPlugged: true,
    shown: 'Ready',
    wanted: 'same',
  },
  {
    title: 'keeps Ready while the whole switch is silent, for however long',
    verdict: silent,
    isPlugged: true,
    age: { ageMs: 500_000, sinceReadyMs: 60_000, missedMs: 60_000 },
    shown: 'Ready',
    wanted: 'same',
  },
  { title: 'waits for a silent switch as for evidence', verdict: silent, age: { ageMs: 20_000 }, wanted: 'none' },
  {
    title: 'is Error when the switch is silent for too long',
    verdict: silent,
    age: { ageMs: 110_000 },
    wanted: error('no answer'),
  },
  {
    title: 'is Error when details cannot be read from the start',
    verdict: unreadable,
    wanted: error('invalid details'),
  },
];

describe('the status that a pod is told', () => {
  it.each(rows)('$title', ({ verdict, isPlugged = false, age, shown, wanted }) => {
    const whole: AttachmentAge = { ageMs: 0, sinceReadyMs: undefined, ...age };
    expect(desireStatus(entryOf(verdict, isPlugged), whole, shown, timing)).toEqual(wanted);
  });

  it('writes only what differs from what is shown', () => {
    const annotations = { [statusKey]: '{"default":{"Status":"Ready"},"ns/blue":{"Status":"Error","Reason":"x"}}' };
    const pod = podView({ annotations });
    const desired = new Map([
      ['default', { status: 'Ready', reason: undefined } as const],
      ['ns/blue', { status: 'Error', reason: 'y' } as const],
    ]);
    expect([...statusChanges(pod, desired)]).toEqual([['ns/blue', { status: 'Error', reason: 'y' }]]);
  });

  it('removes a status that no details stand behind', () => {
    const pod = podView({ annotations: { [statusKey]: '{"default":{"Status":"Ready"}}' } });
    expect([...statusChanges(pod, new Map())]).toEqual([['default', undefined]]);
  });

  it('removes nothing while the details cannot be read', () => {
    const pod = podView({ annotations: { [statusKey]: '{"default":{"Status":"Ready"}}', [detailsKey]: '[' } });
    expect([...statusChanges(pod, new Map())]).toEqual([]);
  });
});
