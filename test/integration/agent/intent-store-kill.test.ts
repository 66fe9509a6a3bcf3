import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { IntentFiles } from '../../../src/adapters/intent-files.js';
import { makeLabDir, removeLabDir } from '../lab/ovs.js';
import { ensureBuilt, mainFile } from './build.js';

const roundCount = 25;

/** What the child has said of each owner last; 0: deleted. */
type Said = ReadonlyMap<string, bigint>;

/** Starts the child, and kills it once it has said so many lines. */
async function killAfter(program: string, stateDir: string, first: bigint, lineCount: number): Promise<Said> {
  const module = join(dirname(mainFile), 'adapters', 'intent-files.js');
  const child = spawn(process.execPath, [program, module, stateDir, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const said = new Map<string, bigint>();
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [owner = '', generation = ''] = line.split(' ');
    said.set(owner, BigInt(generation));
    count += 1;
    if (count === lineCount) child.kill('SIGKILL');
  }
  await exited;
  expect(child.signalCode).toBe('SIGKILL');
  return said;
}

describe('the store of intents', () => {
  it('has everything that was answered, whenever the process is killed', async () => {
    await ensureBuilt();
    const dir = await makeLabDir();
    try {
      const program = join(dir, 'child.mjs');
      const source = await readFile(new URL('intent-store-child.ts', import.meta.url), 'utf8');
      const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
      await writeFile(program, ts.transpileModule(source, { compilerOptions: options }).outputText);
      let first = 1n;
      for (let round = 0; round < roundCount; round += 1) {
        const said = await killAfter(program, dir, first, 1 + ((round * 7) % 13));
        const alarms: unknown[] = [];
        const loaded = new IntentFiles({ stateDir: dir, onAlarm: (alarm) => alarms.push(alarm) }).load();
        expect(alarms).toEqual([]);
        const generationOf = (owner: string): bigint =>
          loaded.find((record) => record.owner === owner)?.generation ?? 0n;
        const steady = said.get('steady') ?? 0n;
        // What was under way may have been carried out without an answer.
        expect([steady, steady + 1n]).toContain(generationOf('steady'));
        const fleeting = said.get('fleeting');
        const next = steady % 3n === 0n ? 0n : steady;
        if (fleeting !== undefined)
          expect([fleeting, next, (steady + 1n) % 3n === 0n ? 0n : steady + 1n]).toContain(generationOf('fleeting'));
        first = generationOf('steady') + 1n;
      }
    } finally {
      await removeLabDir(dir);
    }
  });
});
