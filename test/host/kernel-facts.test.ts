import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { readHugePages, readKernelConnections, readMemory, readTcFlags } from '../../src/host/kernel-facts.js';
import { known, unknown } from '../../src/model/fact.js';
import { filesOf } from '../fakes/file-texts.js';

const pool = '/sys/kernel/mm/hugepages/hugepages';
const tracked = '/proc/sys/net/netfilter/nf_conntrack';

describe('memory', () => {
  const memory = 'MemTotal:       32698268 kB\nMemFree:        1 kB\nMemAvailable:   16000000 kB\n';

  it('is what there is, what is available, and who was killed for it', async () => {
    const files = filesOf({ '/proc/meminfo': memory, '/proc/vmstat': 'nr_free_pages 1\noom_kill 3\nnr_x 4\n' });
    expect(await readMemory({ files })).toEqual(
      known({ totalBytes: 32_698_268 * 1024, availableBytes: 16_000_000 * 1024, oomKills: 3 }),
    );
  });

  it('of an old kernel is told without the killed', async () => {
    const files = filesOf({ '/proc/meminfo': memory, '/proc/vmstat': 'nr_free_pages 1\n' });
    expect(await readMemory({ files })).toMatchObject({ value: { oomKills: undefined } });
  });

  it('is unknown where proc does not say', async () => {
    const why = '/proc/meminfo does not say how much memory there is and is available';
    expect(await readMemory({ files: filesOf({}) })).toEqual(unknown(why));
    expect(await readMemory({ files: filesOf({ '/proc/meminfo': 'MemTotal: 1 kB\n' }) })).toEqual(unknown(why));
  });

  it('is read of this kernel', async () => {
    expect(await readMemory()).toMatchObject({
      value: { totalBytes: totalmem(), oomKills: expect.any(Number) as number },
    });
  });
});

describe('huge pages', () => {
  it('are told of all sizes under the root, smallest first', async () => {
    const files = filesOf({
      [`/dpu${pool}-524288kB/nr_hugepages`]: '4\n',
      [`/dpu${pool}-524288kB/free_hugepages`]: '3\n',
      [`/dpu${pool}-2048kB/nr_hugepages`]: '512\n',
      [`/dpu${pool}-2048kB/free_hugepages`]: '0\n',
      [`/dpu${pool}-64kB/nr_hugepages`]: 'some\n',
      '/dpu/sys/kernel/mm/hugepages/other/nr_hugepages': '1\n',
    });
    expect(await readHugePages({ root: '/dpu', files })).toEqual(
      known([
        { sizeBytes: 2 * 2 ** 20, total: 512, free: 0 },
        { sizeBytes: 512 * 2 ** 20, total: 4, free: 3 },
      ]),
    );
  });

  it('are unknown without sysfs', async () => {
    expect(await readHugePages({ files: filesOf({}) })).toMatchObject({ kind: 'unknown' });
  });
});

describe('connections of the kernel', () => {
  it('are counted against their limit', async () => {
    const files = filesOf({ [`${tracked}_count`]: '17\n', [`${tracked}_max`]: '262144\n' });
    expect(await readKernelConnections({ files })).toEqual(
      known([{ table: 'nf_conntrack', count: 17, limit: 262_144 }]),
    );
  });

  it('are none without the module, and unknown without proc', async () => {
    const files = filesOf({ '/proc/sys/kernel/osrelease': '6.1.0\n' });
    expect(await readKernelConnections({ files })).toEqual(known([]));
    expect(await readKernelConnections({ files: filesOf({}) })).toEqual(unknown('/proc/sys cannot be read'));
    const half = filesOf({ [`${tracked}_count`]: '17\n' });
    expect(await readKernelConnections({ files: half })).toMatchObject({ kind: 'unknown' });
  });
});

describe('flags of TC', () => {
  it.each([
    ['3.10.0-1160.el7', 'silent'],
    ['4.10.17', 'silent'],
    ['4.11.0', 'said'],
    ['4.9.0', 'silent'],
    ['5.15.0-1060-bluefield', 'said'],
    ['6.18.44', 'said'],
    ['10.0', 'said'],
  ])('of kernel %s are %s', async (release, flags) => {
    const files = filesOf({ '/proc/sys/kernel/osrelease': `${release}\n` });
    expect(await readTcFlags({ files })).toEqual(known(flags));
  });

  it('are unknown of a kernel without a number', async () => {
    expect(await readTcFlags({ files: filesOf({}) })).toMatchObject({ kind: 'unknown' });
    const files = filesOf({ '/proc/sys/kernel/osrelease': 'custom\n' });
    expect(await readTcFlags({ files })).toMatchObject({ kind: 'unknown' });
  });
});
