/**
 * The rule that a port has the keys of its kind: those that it needs, and none that belong to another kind. Used for ports
 * of bridges and ports of chains, each with its own tables; reports only.
 */
import type { Draft } from './draft.js';
import type { Report } from './report.js';

/** Which keys go with which kinds. */
export interface KindTables<K extends string> {
  /** How such a port is called: `port`, `chain port`. */
  readonly noun: string;
  readonly needed: Readonly<Record<K, readonly string[]>>;
  /** Keys that only some kinds have. */
  readonly kindsOf: Readonly<Partial<Record<string, readonly K[]>>>;
}

export function checkKindKeys<K extends string>(
  port: Draft<{ kind: K }>,
  { noun, needed, kindsOf }: KindTables<K>,
  report: Report,
): void {
  const { kind } = port.value;
  if (kind === undefined) return;
  for (const key of needed[kind]) {
    if (!port.given.has(key)) report(port.path, `a ${noun} of kind ${kind} needs the key "${key}"`);
  }
  for (const [key, kinds = []] of Object.entries<readonly K[] | undefined>(kindsOf)) {
    if (!port.given.has(key) || kinds.includes(kind)) continue;
    const remedy = `Remove it, or choose the right kind: "${key}" belongs to kind ${kinds.join(', ')}.`;
    report([...port.path, key], `a ${noun} of kind ${kind} has no "${key}"`, remedy);
  }
}
