/**
 * The real kubectl with one kubeconfig: the witness of the end-to-end tests, and how they reach the API server. Shares no
 * code with the agent's own client.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Daemon, eventually } from '../../src/sandbox/lab/daemon.js';
import type { KubeObject } from './kube-object.js';

const run = promisify(execFile);
const limits = { timeout: 120_000, maxBuffer: 64 << 20 };

export class Kubectl {
  readonly kubeconfig: string;
  readonly #cacheDir: string;

  /** @param cacheDir for what kubectl remembers of servers, so that nothing of it stays in the user's home */
  constructor(kubeconfig: string, cacheDir: string) {
    this.kubeconfig = kubeconfig;
    this.#cacheDir = cacheDir;
  }

  /** What it prints. Rejects, with what it says on stderr, when it ends with an error. */
  async run(args: readonly string[], input?: string): Promise<string> {
    const child = run('kubectl', [...this.#globals(), ...args], limits);
    child.child.stdin?.end(input ?? '');
    return (await child).stdout;
  }

  /** Like `run`, with the answer read as JSON. */
  async json(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.run([...args, '-o', 'json']));
  }

  /** Creates all objects with one process. */
  async create(objects: readonly KubeObject[]): Promise<void> {
    if (objects.length === 0) return;
    const list = { apiVersion: 'v1', kind: 'List', items: objects };
    await this.run(['create', '-f', '-'], JSON.stringify(list));
  }

  /** Starts `kubectl proxy`: plain HTTP on this machine's loopback, with this kubeconfig's identity at the server. */
  async proxy(): Promise<{ readonly url: string; readonly daemon: Daemon }> {
    const command = ['kubectl', ...this.#globals(), 'proxy', '--port=0', '--address=127.0.0.1'];
    const daemon = new Daemon(command, process.env);
    daemon.start();
    const address = await eventually(() => {
      if (!daemon.isRunning) throw new Error(`kubectl proxy ended: ${daemon.output}`);
      return /Starting to serve on (127\.0\.0\.1:\d+)/.exec(daemon.output)?.[1];
    }, 'kubectl proxy serves');
    return { url: `http://${address}`, daemon };
  }

  #globals(): readonly string[] {
    return [`--kubeconfig=${this.kubeconfig}`, `--cache-dir=${this.#cacheDir}`];
  }
}
