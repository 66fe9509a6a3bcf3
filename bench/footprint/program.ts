/** The agent as it is shipped: one file, with the heap flags of the image and the unit. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/** As they give it to malloc(3). */
export const mallocEnvironment = { MALLOC_ARENA_MAX: '1' };

export class Program implements Disposable {
  readonly file: string;
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
    this.file = join(dir, 'dpu-node-agent.mjs');
  }

  /** Bundles the sources as they are now. The bench is run from the root of the tree. */
  static bundle(): Program {
    const program = new Program(mkdtempSync(join(tmpdir(), 'footprint-')));
    execFileSync(process.execPath, ['scripts/bundle.mjs', '--out', program.#dir], { stdio: 'pipe' });
    return program;
  }

  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
