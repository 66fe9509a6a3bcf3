import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lowerDevices } from '../../src/host/lower-devices.js';

it('the devices below one are those that the kernel links, and none for one that is not there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lower-'));
  for (const name of ['lower_p0', 'lower_pf0hpf', 'upper_vrf1', 'queues']) {
    await mkdir(join(folder, 'br0', name), { recursive: true });
  }
  expect([...lowerDevices('br0', folder)].sort()).toEqual(['p0', 'pf0hpf']);
  expect(lowerDevices('gone', folder)).toEqual([]);
  expect(lowerDevices('../br0', folder)).toEqual([]);
  await rm(folder, { recursive: true });
});
