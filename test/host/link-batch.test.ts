import { describe, expect, it, vi } from 'vitest';
import { applyLinkChanges } from '../../src/host/link-batch.js';
import type { LinkBatchOptions } from '../../src/host/link-batch.js';
import { systemClock } from '../../src/lib/clock.js';
import type { LinkChange } from '../../src/model/netdev.js';
import { FakeTool } from '../fakes/fake-tool.js';

/** Keeps what it reads. */
const reader = 'cat >> "$D/read"';

const apply = (tool: FakeTool, changes: readonly LinkChange[], more: Partial<LinkBatchOptions> = {}) =>
  applyLinkChanges(changes, { clock: systemClock, tool, timeoutMs: 30_000, ...more });

const up = (...names: readonly string[]): readonly LinkChange[] => names.map((name) => ({ name, isUp: true }));

/** A tool that reads everything and then complains. */
const complainer = (lines: readonly string[], code: number): Promise<FakeTool> =>
  FakeTool.create(`${reader}\n${lines.map((line) => `echo '${line}' >&2`).join('\n')}\nexit ${code}`);

describe('a batch of link changes', () => {
  it('is one process that reads one line for each device, the MTU first', async () => {
    await using tool = await FakeTool.create(reader);
    const changes = [
      { name: 'c1pf0vf3', mtu: 1400, isUp: true },
      { name: 'c1pf0vf4', isUp: false },
      { name: 'c1pf0vf5', mtu: 9000 },
    ];
    expect(await apply(tool, changes)).toEqual(new Map());
    expect(await tool.calls()).toEqual(['-force -batch -']);
    expect((await tool.text('read')).split('\n')).toEqual([
      'link set dev c1pf0vf3 mtu 1400 up',
      'link set dev c1pf0vf4 down',
      'link set dev c1pf0vf5 mtu 9000',
      '',
    ]);
  });

  it.each([[[]], [[{ name: 'p0' }]]])('starts nothing where nothing changes: %j', async (changes) => {
    await using tool = await FakeTool.create(reader);
    expect(await apply(tool, changes)).toEqual(new Map());
    expect(await tool.calls()).toEqual([]);
  });

  it.each(['-p0', 'a b', '../x', '1234567890123456', '', 'a\nb', 'a#b', '"a"', "a'b", 'a\\'])(
    'hands on no device of the name %j, and the others all the same',
    async (name) => {
      await using tool = await FakeTool.create(reader);
      const failures = await apply(tool, up('p0', name, 'p1'));
      expect([...failures.keys()]).toEqual([name]);
      expect(failures.get(name)).toContain('name');
      expect(await tool.text('read')).toBe('link set dev p0 up\nlink set dev p1 up\n');
    },
  );

  it.each([67, 65_536, 1500.5, Number.NaN, -1])('hands on no MTU of %d', async (mtu) => {
    await using tool = await FakeTool.create(reader);
    expect(await apply(tool, [{ name: 'p0', mtu, isUp: true }])).toEqual(
      new Map([['p0', `An MTU is a whole number from 68 to 65535, not ${mtu}.`]]),
    );
    expect(await tool.calls()).toEqual([]);
  });

  it('tells each device that failed, in the words of the kernel', async () => {
    const words = [
      'Cannot find device "p1"',
      'Command failed -:2',
      'Error: mtu greater than device maximum.',
      'Command failed -:4',
      'Warning: a word',
      'RTNETLINK answers: Operation not permitted',
      'Command failed -:5',
    ];
    await using tool = await complainer(words, 1);
    expect(await apply(tool, up('p0', 'p1', 'p2', 'p3', 'p4', 'p5'))).toEqual(
      new Map([
        ['p1', 'There is no such network device.'],
        ['p3', 'The kernel refused the change: Error: mtu greater than device maximum.'],
        ['p4', 'The kernel refused the change: Warning: a word RTNETLINK answers: Operation not permitted'],
      ]),
    );
  });

  it('knows nothing of any device where the tool failed before the first', async () => {
    await using tool = await complainer(['Cannot open network namespace "dpu": No such file or directory'], 1);
    const failures = await apply(tool, up('p0', 'p1'));
    expect([...failures.keys()]).toEqual(['p0', 'p1']);
    expect(failures.get('p1')).toContain('Cannot open network namespace');
  });

  it('takes no word of a tool that did well for a failure', async () => {
    await using tool = await complainer(['Warning: a word'], 0);
    expect(await apply(tool, up('p0'))).toEqual(new Map());
  });

  it('knows nothing of the devices after the point where the tool broke off', async () => {
    const words = ['Cannot find device "p0"', 'Command failed -:1', 'Error: out of luck'];
    await using tool = await complainer(words, 255);
    const failures = await apply(tool, up('p0', 'p1', 'p2'));
    expect([...failures.keys()]).toEqual(['p0', 'p1', 'p2']);
    expect(failures.get('p0')).toBe('There is no such network device.');
    expect(failures.get('p2')).toMatch(/broke off \(Error: out of luck\).*not known/);
  });

  it('does not believe a line number that it did not send', async () => {
    await using tool = await complainer(
      ['Command failed -:7', 'Command failed -:0', 'Command failed -:999999999999'],
      0,
    );
    expect(await apply(tool, up('p0'))).toEqual(new Map());
  });

  it('bounds and cleans the words', async () => {
    await using tool = await FakeTool.create(
      `printf '\\033[31m' >&2; yes | head -c 5000 | tr -d '\\n' >&2; echo >&2; echo 'Command failed -:1' >&2; exit 2`,
    );
    const sentence = (await apply(tool, up('p9'))).get('p9');
    expect(sentence).not.toContain('\u001b');
    expect(sentence?.length).toBeLessThan(300);
  });

  it('keeps no output without end', async () => {
    await using tool = await FakeTool.create('exec yes >&2');
    expect((await apply(tool, up('p0'))).get('p0')).toContain('broke off (ERR_CHILD_PROCESS_STDIO_MAXBUFFER)');
  });

  it('gives up at the deadline, and knows of no device what became of it', async () => {
    await using tool = await FakeTool.create('exec sleep 1000');
    const failures = await apply(tool, up('p0', 'p1'), { timeoutMs: 50 });
    expect([...failures.keys()]).toEqual(['p0', 'p1']);
    expect(failures.get('p1')).toContain('not known');
  });

  it('is given up with its caller, before it began and in the middle', async () => {
    await using tool = await FakeTool.create('exec sleep 1000');
    expect((await apply(tool, up('p0'), { signal: AbortSignal.abort() })).get('p0')).toContain('given up');
    expect(await tool.calls()).toEqual([]);
    const controller = new AbortController();
    const running = apply(tool, up('p0'), { signal: controller.signal });
    await vi.waitFor(async () => expect(await tool.calls()).toHaveLength(1), 5_000);
    controller.abort();
    expect((await running).get('p0')).toContain('given up');
  });

  it('fails for all when ip is not installed', async () => {
    const tool = { file: '/nonexistent/ip', args: [] };
    const failures = await applyLinkChanges(up('p0', 'p1'), { clock: systemClock, tool });
    expect([...failures.values()]).toEqual(Array(2).fill('The ip tool cannot be started (ENOENT).'));
  });
});
