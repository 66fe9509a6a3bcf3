import { describe, expect, it } from 'vitest';
import { systemFiles } from '../../src/host/file-source.js';
import { sysfsLinkReader } from '../../src/host/link-reader.js';
import { SysfsTree } from '../fakes/sysfs-tree.js';

describe('the reader of a tree of files', () => {
  it('reads every device, and says from where', async () => {
    await using tree = await SysfsTree.create([{ name: 'p0', ifindex: 2, switchId: 'aa' }]);
    const reader = sysfsLinkReader({ root: tree.root, files: systemFiles });
    const { netdevs, unreadable, source } = await reader.read(new AbortController().signal);
    expect([...netdevs.values()]).toMatchObject([{ name: 'p0', ifindex: 2, switchId: 'aa' }]);
    expect(unreadable.size).toBe(0);
    expect(source).toEqual({ kind: 'sysfs' });
  });
});
