import { describe, expect, it } from 'vitest';
import { AttachTeller } from '../../src/agent/attach-teller.js';
import {
  failing,
  readyVerdict,
  refusing,
  waitingFor,
  type AttachmentVerdict,
  type Verdict,
} from '../../src/attach/attachment.js';
import type { AttachmentAge } from '../../src/attach/desire-status.js';
import type { PodView } from '../../src/model/pod.js';
import { ManualClock } from '../config/manual-clock.js';
import { podOf } from '../fakes/attach-inputs.js';

const pending = waitingFor('OvnNotInstalled', 'secret words', 'not installed');
const broken = failing('InterfaceError', 'secret words', 'could not open');
const taken = refusing('RepresentorClaimedTwice', 'secret words', 'in use');
const unreadable = refusing('DetailsInvalid', 'secret words', 'invalid');
const young: AttachmentAge = { ageMs: 0, sinceReadyMs: undefined };
const late: AttachmentAge = { ageMs: 200_000, sinceReadyMs: undefined };

class Bench {
  readonly events: string[] = [];
  readonly written: string[] = [];
  readonly teller = new AttachTeller(
    {
      writer: {
        write: (pod, changes) => {
          this.written.push(...[...changes].map(([nadKey, to]) => `${pod.name} ${nadKey} ${to?.status ?? 'removed'}`));
          return Promise.resolve({ kind: 'written' });
        },
      },
      clock: new ManualClock(),
      random: () => 0.5,
      concurrency: 4,
      onDone: () => undefined,
      onBug: (error) => {
        throw error;
      },
    },
    { report: (pod, type, reason, message) => this.events.push(`${pod.name} ${type} ${reason}: ${message}`) },
    110_000,
  );

  /** One look at pod a, which says this of its networks; the Events of it. */
  tell(verdicts: Readonly<Record<string, Verdict>>, age = young, pod: PodView = podOf('a')): readonly string[] {
    const entries = Object.entries(verdicts).map(([nadKey, verdict]): AttachmentVerdict => {
      const facts = { request: undefined, device: 'rep0-1', heldBy: undefined, isPlugged: false, evidence: {} };
      return { key: `${pod.uid}|${nadKey}`, pod, nadKey, verdict, ...facts };
    });
    const ages = new Map(entries.map(({ key }) => [key, age]));
    this.teller.tell(new Map([[pod.uid, pod]]), entries, this.teller.desire(entries, ages, false));
    return this.events.splice(0);
  }
}

describe('the Events of an attachment', () => {
  it('tell each new reason once, in words for the tenant', () => {
    const bench = new Bench();
    expect(bench.tell({ default: taken })).toEqual(['a Warning RepresentorClaimedTwice: in use']);
    expect(bench.tell({ default: taken })).toEqual([]);
    expect(bench.tell({ default: pending }, late)).toEqual(['a Warning OvnNotInstalled: not installed']);
    expect(bench.tell({ default: pending }, late)).toEqual([]);
    expect(bench.tell({ default: readyVerdict })).toEqual(['a Normal Attached: attached by rep0-1']);
    expect(bench.tell({ default: readyVerdict })).toEqual([]);
  });

  it('are none for what is merely waited for, nor for what passes at once', () => {
    const bench = new Bench();
    expect(bench.tell({ default: pending })).toEqual([]);
    expect(bench.tell({ default: broken })).toEqual([]);
    expect(bench.tell({ default: readyVerdict })).toEqual(['a Normal Attached: attached by rep0-1']);
    expect(bench.tell({ default: pending })).toEqual([]);
    expect(bench.tell({ default: readyVerdict })).toEqual([]);
  });

  it('are none for what a former process has attached', () => {
    const annotations = { status: '{"default":{"Status":"Ready"}}' };
    const pod = podOf('a', { details: { default: '0/1' }, annotations });
    const bench = new Bench();
    expect(bench.tell({ default: pending }, young, pod)).toEqual([]);
    expect(bench.tell({ default: readyVerdict }, young, pod)).toEqual([]);
  });

  it('tell of details that cannot be read, although the status stays', () => {
    const bench = new Bench();
    bench.tell({ default: readyVerdict });
    expect(bench.tell({ default: unreadable }, { ageMs: 5, sinceReadyMs: 5 })).toEqual([
      'a Warning DetailsInvalid: invalid',
    ]);
    expect(bench.written).toEqual(['a default Ready']);
  });

  it('name the network, unless it is the default one', () => {
    expect(new Bench().tell({ default: readyVerdict, 'ns/blue': taken })).toEqual([
      'a Normal Attached: attached by rep0-1',
      'a Warning RepresentorClaimedTwice: in use (network ns/blue)',
    ]);
  });
});

describe('the statuses of a pod', () => {
  it('go in one write for all its networks', () => {
    const bench = new Bench();
    bench.tell({ default: readyVerdict, 'ns/blue': taken });
    expect(bench.written).toEqual(['a default Ready', 'a ns/blue Error']);
  });

  it('are left alone once the pod has ended', () => {
    const bench = new Bench();
    bench.tell({ default: readyVerdict }, young, podOf('a', { isTerminal: true }));
    expect(bench.written).toEqual([]);
  });

  it('are taken back where no network asks for one', () => {
    const bench = new Bench();
    const annotations = { status: '{"default":{"Status":"Ready"},"ns/blue":{"Status":"Ready"}}' };
    bench.tell({ default: readyVerdict }, young, podOf('a', { details: { default: '0/1' }, annotations }));
    expect(bench.written).toEqual(['a ns/blue removed']);
  });
});
