/**
 * The API server that the end-to-end tests run against: an embedded one of their own, or the one of the kubeconfig that
 * `npm run test:e2e -- --kubeconfig FILE` names. Tests see no difference but through this file.
 */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AuditLog } from '../../src/sandbox/cluster/audit-log.js';
import { ClusterApi } from '../../src/sandbox/cluster/cluster-api.js';

const run = promisify(execFile);

/** Set by scripts/e2e.mjs. */
const given = {
  kubeconfig: process.env['DPU_E2E_KUBECONFIG'] ?? '',
  context: process.env['DPU_E2E_CONTEXT'] ?? '',
};

export class TargetServer implements AsyncDisposable {
  /** A private directory for files with credentials. */
  readonly dir: string;
  /** An administrator's kubeconfig with one context and everything in it. */
  readonly kubeconfig: string;
  /** Undefined: a real server. */
  readonly #embedded: ClusterApi | undefined;

  private constructor(dir: string, kubeconfig: string, embedded: ClusterApi | undefined) {
    this.dir = dir;
    this.kubeconfig = kubeconfig;
    this.#embedded = embedded;
  }

  static async open(): Promise<TargetServer> {
    const dir = await mkdtemp(join(tmpdir(), 'dpu-e2e-'));
    try {
      if (given.kubeconfig !== '') return new TargetServer(dir, await copyKubeconfig(dir), undefined);
      // No kubelet, as for a node that is only an object; bookmarks as often as a real server sends them at the end of a
      // short watch.
      const embedded = new ClusterApi({ kubelet: 'manual', bookmarkMs: 2_000 });
      await embedded.start();
      return new TargetServer(dir, await embedded.writeKubeconfig(dir), embedded);
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  get isEmbedded(): boolean {
    return this.#embedded !== undefined;
  }

  /** What was asked of the embedded server, by whom. @throws Error for a real one, which does not tell */
  get audit(): AuditLog {
    if (this.#embedded === undefined) throw new Error('a real server shows no audit log');
    return this.#embedded.audit;
  }

  /** What every server does after a while by itself: it forgets its history. */
  compact(): void {
    this.#embedded?.compact();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#embedded?.close();
    await rm(this.dir, { recursive: true, force: true });
    const bugs = this.#embedded?.bugs ?? [];
    if (bugs.length > 0) throw new Error('the embedded server has a bug', { cause: bugs[0] });
  }
}

/** One context of the given file, with all that it refers to inside: what it was relative to no longer matters. */
async function copyKubeconfig(dir: string): Promise<string> {
  const context = given.context === '' ? [] : [`--context=${given.context}`];
  const view = ['config', 'view', '--minify', '--flatten', '--raw', `--kubeconfig=${given.kubeconfig}`, ...context];
  const { stdout } = await run('kubectl', view, { timeout: 30_000 });
  const file = join(dir, 'admin.kubeconfig');
  await writeFile(file, stdout, { mode: 0o600 });
  return file;
}
