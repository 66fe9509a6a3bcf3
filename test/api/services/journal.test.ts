import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../../src/agent/journal.js';
import { journalService } from '../../../src/api/services/journal.js';
import { ListEntriesRequestSchema, WatchEntriesRequestSchema } from '../../../src/gen/proto/dpu/agent/v1/journal_pb.js';
import { ManualClock } from '../../config/manual-clock.js';
import { Reader, refusedFields, viewerContext } from '../../fakes/service-calls.js';

interface Message {
  readonly entries?: readonly { readonly sequence?: bigint }[];
  readonly missedCount?: bigint;
}

const numbers = ({ entries = [] }: Message): readonly number[] => entries.map(({ sequence }) => Number(sequence));

class World {
  readonly journal: Journal;
  readonly handlers;

  constructor(count: number, countMax = 1_000) {
    this.journal = new Journal(countMax);
    this.write(count);
    this.handlers = journalService({ journal: this.journal, instanceId: 'i1', clock: new ManualClock() }).handlers;
  }

  write(count: number): void {
    for (let made = 0; made < count; made += 1) {
      this.journal.add({ wallMs: 1, summary: 's', details: [], outcome: 'applied', message: undefined, tookMs: 0 });
    }
  }

  async list(init: MessageInitShape<typeof ListEntriesRequestSchema> = {}) {
    return this.handlers.listEntries(create(ListEntriesRequestSchema, init), viewerContext());
  }

  watch(init: MessageInitShape<typeof WatchEntriesRequestSchema> = {}) {
    return new Reader((context) => this.handlers.watchEntries(create(WatchEntriesRequestSchema, init), context));
  }
}

const upTo = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('ListEntries', () => {
  it.each([
    ['the newest hundred without a range', {}, upTo(201, 300)],
    ['as many of the newest as the page has', { pageSize: 3 }, [298, 299, 300]],
    ['those from a number on', { fromSequence: 299n }, [299, 300]],
    ['the first page of a range', { fromSequence: 10n, toSequence: 200n, pageSize: 3 }, [10, 11, 12]],
    ['a range', { fromSequence: 10n, toSequence: 12n }, [10, 11, 12]],
    ['the last page up to a number', { toSequence: 12n, pageSize: 2 }, [11, 12]],
    ['nothing beyond the newest', { fromSequence: 301n }, []],
    ['what there is of a range that goes beyond', { fromSequence: 300n, toSequence: 2n ** 64n - 1n }, [300]],
    ['nothing from a number that no journal reaches', { fromSequence: 2n ** 64n - 1n }, []],
  ])('has %s', async (_words, request, wanted) => {
    const answer = await new World(300).list(request);
    expect(numbers(answer)).toEqual(wanted);
    expect(answer).toMatchObject({ instanceId: 'i1', oldestSequence: 1n, newestSequence: 300n });
  });

  it('has what is kept of a range', async () => {
    const answer = await new World(300, 10).list({ fromSequence: 1n, toSequence: 292n });
    expect(numbers(answer)).toEqual([291, 292]);
    expect(answer.oldestSequence).toBe(291n);
  });

  it('is empty while there is no entry', async () => {
    expect(await new World(0).list()).toEqual({
      entries: [],
      instanceId: 'i1',
      oldestSequence: 0n,
      newestSequence: 0n,
    });
  });

  it('refuses a page that is too long and a range that ends before it begins', async () => {
    const world = new World(3);
    expect(await refusedFields(() => world.list({ pageSize: 1_001 }))).toEqual(['page_size']);
    expect(await refusedFields(() => world.list({ fromSequence: 3n, toSequence: 2n }))).toEqual(['to_sequence']);
    expect(numbers(await world.list({ pageSize: 1_000 }))).toEqual([1, 2, 3]);
  });
});

describe('WatchEntries', () => {
  it('begins with the newest that are asked for and goes on with each new one', async () => {
    const world = new World(10);
    const reader = world.watch({ tail: 2 });
    expect(await reader.next()).toMatchObject({ instanceId: 'i1', missedCount: 0n });
    expect(await reader.due()).toBeUndefined();
    world.write(1);
    expect(numbers(await reader.next())).toEqual([11]);
    expect(await reader.due()).toBeUndefined();
    world.write(3);
    expect(numbers(await reader.next())).toEqual([12, 13, 14]);
    await reader.leave();
  });

  it('goes on after a number without a gap and without saying an entry twice', async () => {
    const world = new World(250);
    const reader = world.watch({ afterSequence: 20n });
    const told = [numbers(await reader.next()), numbers(await reader.next()), numbers(await reader.next())];
    expect(told.flat()).toEqual(upTo(21, 250));
    expect(Math.max(...told.map(({ length }) => length))).toBe(100);
    expect(await reader.due()).toBeUndefined();
    await reader.leave();
  });

  it('names the instance at once although there is nothing to tell', async () => {
    const reader = new World(5).watch();
    expect(await reader.next()).toEqual({ entries: [], missedCount: 0n, instanceId: 'i1' });
    await reader.leave();
  });

  it('counts what the journal dropped before a slow reader could be told', async () => {
    const world = new World(5, 10);
    const reader = world.watch({ tail: 5 });
    expect(numbers(await reader.next())).toEqual([1, 2, 3, 4, 5]);
    world.write(30);
    const message = await reader.next();
    expect(message.missedCount).toBe(20n);
    expect(numbers(message)).toEqual(upTo(26, 35));
    world.write(1);
    expect(await reader.next()).toMatchObject({ missedCount: 0n, entries: [{ sequence: 36n }] });
    await reader.leave();
  });

  it('counts what was dropped before the number that it goes on after', async () => {
    const reader = new World(30, 10).watch({ afterSequence: 15n });
    const message = await reader.next();
    expect(message.missedCount).toBe(5n);
    expect(numbers(message)).toEqual(upTo(21, 30));
    await reader.leave();
  });

  it('refuses a number of another instance, and a tail that is too long', async () => {
    expect(await refusedFields(() => new World(5).watch({ afterSequence: 6n }).next())).toEqual(['after_sequence']);
    expect(await refusedFields(() => new World(5).watch({ tail: 1_001 }).next())).toEqual(['tail']);
  });

  it('refuses numbers of another instance, though this one has them too', async () => {
    const world = new World(5);
    const other = { code: 'API_EXPIRED', facts: { reason: 'OtherInstance' } };
    await expect(world.watch({ afterSequence: 2n, instanceId: 'i0' }).next()).rejects.toMatchObject(other);
    await expect(world.list({ fromSequence: 2n, instanceId: 'i0' })).rejects.toMatchObject(other);
    expect(numbers(await world.list({ fromSequence: 2n, instanceId: 'i1' }))).toEqual([2, 3, 4, 5]);
    const reader = world.watch({ afterSequence: 2n, instanceId: 'i1' });
    expect(numbers(await reader.next())).toEqual([3, 4, 5]);
    await reader.leave();
  });

  it('ends when the caller goes', async () => {
    const world = new World(1);
    const reader = world.watch();
    await reader.next();
    expect(await reader.due()).toBeUndefined();
    await reader.leave();
    world.write(1);
  });
});
