/**
 * Private network namespaces: made under one prefix, removed all together whatever happened inside. Used by the rigs that
 * need real devices. Needs root.
 */

import { runSystem } from '../devices.js';
import { Turnstile } from './turnstile.js';

/** Making namespaces is the kernel's slow work, done under one lock: more at once only takes longer for each. */
const turnstile = new Turnstile(4);

const system = (file: string, ...args: readonly string[]): Promise<string> =>
  turnstile.run(() => runSystem(file, args));

/** Neighbour discovery would send frames of its own at times of its own. */
const quiet = 'net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1';

/** One process for all of it; a namespace that is not complete is removed again. */
const addScript = `ip netns add "$1" && {
  ip netns exec "$1" sh -c 'sysctl -q -w ${quiet} && ip link set lo up' || { ip netns del "$1"; exit 1; }
}`;

/** Commands of `ip` as a here-document: nothing is left behind, and it is one process. */
const batchOf = (options: string, commands: readonly string[]): string =>
  `ip ${options} -batch - <<'END'\n${commands.join('\n')}\nEND\n`;

/** What happens in one namespace. */
export type NamespaceStep =
  { readonly role: string; readonly links: readonly string[] } | { readonly role: string; readonly command: string };

let groupCount = 0;

export class Namespaces implements AsyncDisposable {
  /** Every namespace of the group is called `<prefix>-<role>`. */
  readonly prefix: string;
  readonly #names = new Set<string>();

  /** @param kind a short word for people who look at `ip netns list` */
  constructor(kind: string) {
    groupCount += 1;
    this.prefix = `${kind}-${process.pid}-${groupCount}`;
  }

  name(role: string): string {
    return `${this.prefix}-${role}`;
  }

  /** Makes a namespace with its loopback up; returns its name. */
  async add(role: string): Promise<string> {
    const name = this.name(role);
    await system('sh', '-c', addScript, 'sh', name);
    this.#names.add(name);
    return name;
  }

  /** Removes it with its devices, and the far ends of those that are cables. */
  async remove(role: string): Promise<void> {
    const name = this.name(role);
    if (this.#names.delete(name)) await system('ip', 'netns', 'del', name);
  }

  /** `ip` inside; one command per text. The words must have no spaces. */
  async links(role: string, ...commands: readonly string[]): Promise<void> {
    if (commands.length > 0) await system('sh', '-c', batchOf(`-n ${this.name(role)}`, commands));
  }

  /** Several steps in one process, each inside its namespace: commands of `ip`, or a line for the shell. */
  async steps(...steps: readonly NamespaceStep[]): Promise<void> {
    const lines = steps.map((step) =>
      'links' in step
        ? batchOf(`-n ${this.name(step.role)}`, step.links)
        : `ip netns exec ${this.name(step.role)} ${step.command}`,
    );
    await system('sh', '-e', '-c', lines.join('\n'));
  }

  /** Runs a command inside and returns what it printed. Waits for nobody: it may be a ping that takes its time. */
  run(role: string, ...command: readonly string[]): Promise<string> {
    return runSystem('ip', ['netns', 'exec', this.name(role), ...command]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const commands = [...this.#names].reverse().map((name) => `netns del ${name}`);
    this.#names.clear();
    const failures: unknown[] = [];
    while (commands.length > 0) {
      // With -force it goes on after one that fails, and still says so at the end.
      const batch = batchOf('-force', commands.splice(0, 25));
      await system('sh', '-c', batch).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'namespaces were left behind');
  }
}
