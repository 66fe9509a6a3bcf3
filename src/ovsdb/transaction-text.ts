/**
 * A transaction in the words of ovs-vsctl(8), for journals, dry runs and the facts of errors. Text for people: it is not
 * meant to be parsed, and control characters of values are escaped.
 */
import { safeText } from '../lib/text.js';
import { type EncodedMutation, type EncodedWhere, isArray, type RowOperation } from './operation.js';
import type { Json, JsonObject } from './types.js';

/** One operation as one line. */
export function describeOperation(operation: RowOperation): string {
  const { table } = operation;
  switch (operation.op) {
    case 'insert':
      return `--id=@${operation.handle.name} create ${table} ${assignments(operation.row)}`.trimEnd();
    case 'update':
      return `set ${table} ${record(operation.where)} ${assignments(operation.row)}`;
    case 'mutate':
      return mutations(operation.mutations)
        .map((text) => text.replace('%', () => `${table} ${record(operation.where)}`))
        .join(' -- ');
    case 'delete':
      return `destroy ${table} ${record(operation.where)}`;
    case 'select':
      return `--columns=${operation.columns.join(',')} find ${table} ${record(operation.where)}`;
    case 'wait':
      return `wait-until ${table} ${record(operation.where)} ${operation.until} ${rowsText(operation.rows)}`;
  }
}

function assignments(row: ReadonlyMap<string, Json>): string {
  return [...row].map(([column, value]) => `${column}=${valueText(value)}`).join(' ');
}

function record(where: EncodedWhere): string {
  if (where.length === 0) return '(all)';
  return where
    .map(([column, fn, value]) =>
      column === '_uuid' && fn === '=='
        ? atomText(value)
        : `${column}${fn === '==' ? '=' : ` ${fn} `}${valueText(value)}`,
    )
    .join(' ');
}

function rowsText(rows: readonly JsonObject[]): string {
  if (rows.length === 0) return '(no row)';
  return rows.map((row) => assignments(new Map(Object.entries(row)))).join(' | ');
}

/** Delete-then-insert of the same keys reads as the `set column:key=value` that it is; `%` stands for the record. */
function mutations(list: readonly EncodedMutation[]): readonly string[] {
  const texts: string[] = [];
  for (let index = 0; index < list.length; index++) {
    const [column, mutator, value] = list[index] as EncodedMutation;
    const next = list[index + 1];
    if (mutator === 'delete' && next?.[1] === 'insert' && next[0] === column && isSameKeys(value, next[2])) {
      texts.push(
        `set % ${pairs(next[2])
          .map(([k, v]) => `${column}:${k}=${v}`)
          .join(' ')}`,
      );
      index += 1;
    } else {
      texts.push(mutationText(column, mutator, value));
    }
  }
  return texts;
}

function mutationText(column: string, mutator: string, value: Json): string {
  if (mutator === 'insert') return `add % ${column} ${elements(value)}`;
  if (mutator === 'delete') return `remove % ${column} ${elements(value)}`;
  return `set % ${column}${mutator}${valueText(value)}`;
}

function isSameKeys(keys: Json, entries: Json): boolean {
  if (!isArray(entries) || entries[0] !== 'map') return false;
  return (
    elements(keys) ===
    pairs(entries)
      .map(([key]) => key)
      .join(' ')
  );
}

function elements(value: Json): string {
  if (isArray(value) && value[0] === 'map')
    return pairs(value)
      .map((pair) => pair.join('='))
      .join(' ');
  if (isArray(value) && value[0] === 'set') return list(value).map(atomText).join(' ');
  return atomText(value);
}

function valueText(value: Json): string {
  if (isArray(value) && value[0] === 'map')
    return `{${pairs(value)
      .map((pair) => pair.join('='))
      .join(', ')}}`;
  if (isArray(value) && value[0] === 'set') return `[${list(value).map(atomText).join(', ')}]`;
  return atomText(value);
}

function list(value: readonly Json[]): readonly Json[] {
  const items = value[1];
  return isArray(items) ? items : [];
}

function pairs(value: Json): readonly (readonly [key: string, value: string])[] {
  if (!isArray(value)) return [];
  return list(value).map((pair) => (isArray(pair) ? [atomText(pair[0] ?? null), atomText(pair[1] ?? null)] : ['', '']));
}

const plainWord = /^[\w.:/@-]+$/;

function atomText(atom: Json): string {
  if (typeof atom === 'string') return plainWord.test(atom) ? atom : `"${safeText(atom, 256)}"`;
  if (typeof atom !== 'object' || atom === null) return String(atom);
  if (!isArray(atom)) return safeText(JSON.stringify(atom));
  const [tag, id] = atom;
  if (typeof id !== 'string') return safeText(JSON.stringify(atom));
  return tag === 'named-uuid' ? `@${id}` : id;
}
