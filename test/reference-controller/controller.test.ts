import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSteering, type Steering } from '../cli/steering.js';

const controller = join(import.meta.dirname, 'controller.mjs');
let dir: string;
let worlds: readonly Steering[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'controller-'));
  worlds = [await startSteering(), await startSteering()];
});

afterEach(async () => {
  for (const world of worlds) await world[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

describe('the reference controller', () => {
  it('steers two agents by the published proto files alone, and is present all the time', async () => {
    const presences: number[] = [];
    for (const { desk } of worlds) {
      // Each bundle becomes ready as soon as it was accepted.
      desk.onChange(() => {
        const status = desk.status('fleet');
        if (status?.phase !== 'accepted') return;
        presences.push(desk.presences.get('fleet') ?? 0);
        desk.show({ ...status, phase: 'ready' });
      });
    }
    const bundles = [{ bridges: [{ name: 'br-x', mode: 'BRIDGE_MODE_OWN' }] }, { bridges: [{ name: 'br-y' }] }];
    writeFileSync(join(dir, 'plan.json'), JSON.stringify({ owner: 'fleet', bundles }));
    const addresses = worlds.map(({ server }) => `unix:${server.path}`);
    const run = promisify(execFile)(process.execPath, [controller, join(dir, 'plan.json'), ...addresses]);
    const lines = (await run).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([
      ...addresses.map((address) => ({ step: 'list', address, owners: [] })),
      { step: 'ready', generation: '1', agents: 2 },
      { step: 'ready', generation: '2', agents: 2 },
      { step: 'deleted' },
    ]);
    expect(presences).toEqual([1, 1, 1, 1]);
    for (const { desk } of worlds) {
      expect(desk.requests.map(({ bundle }) => bundle.bridges)).toEqual([
        [{ name: 'br-x', mode: 'own' }],
        [{ name: 'br-y' }],
      ]);
      expect(desk.stored.size).toBe(0);
    }
  });
});
