/** Texts of `test/fixtures/unixctl`: each file's first line says where the text is from. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', 'fixtures', 'unixctl');

/** What the daemon printed. @param name `ovs-3.1/upcall-show` */
export function fixture(name: string): string {
  const text = readFileSync(join(root, `${name}.txt`), 'utf8');
  return text.slice(text.indexOf('\n') + 1);
}

/** Names of all fixtures, with the line of each that says where it is from. */
export function fixtures(): ReadonlyMap<string, string> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.txt'));
  return new Map(
    files.map((name) => [name.slice(0, -4), readFileSync(join(root, name), 'utf8').split('\n', 1)[0] ?? '']),
  );
}

export const releases = ['3.1', '3.5', '4.0'] as const;
