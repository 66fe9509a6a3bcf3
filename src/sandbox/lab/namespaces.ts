/**
 * Private network namespaces: made under one prefix, removed all together whatever happened inside. Used by the rigs that
 * need real devices. Needs root.
 */

import { runSystem } from '../devices.js';

const ip = (...args: readonly string[]): Promise<string> => runSystem('ip', args);

/** Makes many commands of `ip` one process. The words must have no spaces. */
async function ipBatch(namespace: string | undefined, commands: readonly string[]): Promise<void> {
  if (commands.length === 0) return;
  const where = namespace === undefined ? [] : ['-n', namespace];
  // A here-document rather than a file: nothing is left behind.
  const script = `exec ip ${where.join(' ')} -batch - <<'END'\n${commands.join('\n')}\nEND\n`;
  await runSystem('sh', ['-c', script]);
}

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
    await ip('netns', 'add', name);
    this.#names.add(name);
    // Neighbour discovery would send frames of its own at times of its own.
    const quiet = ['net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1'];
    await ip('netns', 'exec', name, 'sysctl', '-q', '-w', ...quiet);
    await ip('-n', name, 'link', 'set', 'lo', 'up');
    return name;
  }

  /** Removes it with its devices, and the far ends of those that are cables. */
  async remove(role: string): Promise<void> {
    const name = this.name(role);
    if (this.#names.delete(name)) await ip('netns', 'del', name);
  }

  /** `ip` inside; one command per text. */
  links(role: string, ...commands: readonly string[]): Promise<void> {
    return ipBatch(this.name(role), commands);
  }

  /** Runs a command inside and returns what it printed. */
  run(role: string, ...command: readonly string[]): Promise<string> {
    return ip('netns', 'exec', this.name(role), ...command);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (const name of [...this.#names].reverse()) {
      await ip('netns', 'del', name).catch((error: unknown) => failures.push(error));
    }
    this.#names.clear();
    if (failures.length > 0) throw new AggregateError(failures, 'namespaces were left behind');
  }
}
