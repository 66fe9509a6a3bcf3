import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apply, deleteIntents, diff, type ApplyOptions } from '../../src/cli/apply-command.js';
import { recordingContext, startSteering, type Steering } from './steering.js';

let dir: string;
let world: Steering;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bundle-'));
  world = await startSteering();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

function fileOf(text: string): string {
  const file = join(dir, 'bundle.yaml');
  writeFileSync(file, text);
  return file;
}

const oneBridge = 'bridges:\n  - name: br-x\n    mode: own\n';

const optionsFor = (text: string, more: Partial<ApplyOptions> = {}): ApplyOptions => ({
  file: fileOf(text),
  owner: 'dpuctl',
  generation: undefined,
  isDryRun: false,
  waitMs: undefined,
  ...more,
});

describe('dpuctl apply', () => {
  it('hands the bundle in and prints what changes', async () => {
    const context = recordingContext(world.connection);
    expect(await apply(context, optionsFor(oneBridge))).toBe(0);
    expect(context.printed.join('')).toBe(
      'owner dpuctl, generation 1 changes:\n  create bridge br-x\n    fail_mode: secure\nowner dpuctl, generation 1: accepted\n',
    );
    expect(world.desk.stored.get('dpuctl')).toMatchObject({
      generation: 1n,
      bundle: { bridges: [{ name: 'br-x', mode: 'own' }] },
    });
  });

  it('counts the generation up for other content only', async () => {
    const generation = () => world.desk.stored.get('dpuctl')?.generation;
    await apply(recordingContext(world.connection), optionsFor(oneBridge));
    const again = recordingContext(world.connection);
    await apply(again, optionsFor('{"bridges": [{"mode": "own", "name": "br-x"}]}'));
    expect(generation()).toBe(1n);
    expect(again.printed[0]).toBe('owner dpuctl, generation 1 is in force; nothing changes\n');
    await apply(recordingContext(world.connection), optionsFor('bridges: [{name: br-y}]'));
    expect(generation()).toBe(2n);
    await apply(recordingContext(world.connection), optionsFor('bridges: [{name: br-y}]', { generation: 40n }));
    expect(generation()).toBe(40n);
  });

  it('changes nothing in a dry run', async () => {
    const context = recordingContext(world.connection);
    expect(await apply(context, optionsFor(oneBridge, { isDryRun: true }))).toBe(0);
    expect(context.printed.join('')).toContain('create bridge br-x');
    expect(world.desk.stored.size).toBe(0);
  });

  it.each([
    ['ready', 0],
    ['degraded', 3],
  ] as const)('waits until the bundle is %s', async (phase, exit) => {
    const context = recordingContext(world.connection);
    const done = apply(context, optionsFor(oneBridge, { waitMs: 60_000 }));
    const unsubscribe = world.desk.onChange(() => {
      unsubscribe();
      const object = { kind: 'bridge', name: 'br-x' } as const;
      const condition = { object, state: 'failed', reason: 'PORT_MISSING', message: 'no', evidence: {} } as never;
      world.desk.show({ owner: 'dpuctl', generation: 1n, phase, conditions: [condition], findings: [], wallMs: 1 });
    });
    expect(await done).toBe(exit);
    expect(context.printed.at(-1)).toContain(`owner dpuctl, generation 1: ${phase}\n  failed  bridge br-x`);
    expect(world.desk.presences.get('dpuctl') ?? 0).toBe(0);
  });

  it('says so when the time is over before the bundle is ready', async () => {
    const context = recordingContext(world.connection);
    expect(await apply(context, optionsFor(oneBridge, { waitMs: 300 }))).toBe(3);
    expect(context.warned).toEqual(['dpuctl: not ready after 0.3 s\n']);
  });

  it('prints the answer as JSON', async () => {
    const context = recordingContext(world.connection, 'json');
    await apply(context, optionsFor(oneBridge));
    expect(JSON.parse(context.printed.join(''))).toMatchObject({
      status: { owner: 'dpuctl', generation: '1', phase: 'PHASE_ACCEPTED' },
      isRepeated: false,
    });
  });

  it('sends nothing of a file that is wrong', async () => {
    const refused = apply(recordingContext(world.connection), optionsFor('bridges: [{nmae: br-x}]'));
    await expect(refused).rejects.toMatchObject({
      code: 'INTENT_INVALID',
      violations: [{ field: 'bridges[0].nmae', description: 'unknown key "nmae". Did you mean "name"?' }],
    });
    expect(world.desk.requests).toEqual([]);
  });
});

describe('dpuctl diff', () => {
  it('prints the plan, changes nothing, and exits 3', async () => {
    const context = recordingContext(world.connection);
    expect(await diff(context, optionsFor(oneBridge))).toBe(3);
    expect(context.printed.join('')).toBe(
      'owner dpuctl, generation 1 changes:\n  create bridge br-x\n    fail_mode: secure\n',
    );
    expect(world.desk.stored.size).toBe(0);
  });

  it('exits 0 when the bundle is in force', async () => {
    await apply(recordingContext(world.connection), optionsFor(oneBridge));
    expect(await diff(recordingContext(world.connection), optionsFor(oneBridge))).toBe(0);
  });
});

describe('dpuctl delete intents', () => {
  it('takes the bundle back', async () => {
    await apply(recordingContext(world.connection), optionsFor(oneBridge));
    const context = recordingContext(world.connection);
    expect(await deleteIntents(context, { owner: 'dpuctl', generation: undefined })).toBe(0);
    expect(world.desk.stored.size).toBe(0);
  });

  it('fails when there is none', async () => {
    const gone = deleteIntents(recordingContext(world.connection), { owner: 'nobody', generation: undefined });
    await expect(gone).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
