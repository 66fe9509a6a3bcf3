/**
 * A database schema (RFC 7047 section 3.2) as the server describes it. The client takes it from the server on each
 * connection and asks it what exists, because servers older and newer than the generated types are both met.
 */

import type { ColumnType } from './column-type.js';
import { badSchema, isJsonArray, isJsonObject, parseColumnType } from './column-type.js';
import type { Json, JsonObject } from './types.js';

export interface ColumnSchema {
  readonly name: string;
  readonly type: ColumnType;
  /** The server does not keep it across a restart. */
  readonly ephemeral: boolean;
  /** Whether it can be written after the insert. */
  readonly mutable: boolean;
}

export interface TableSchema {
  readonly name: string;
  readonly columns: ReadonlyMap<string, ColumnSchema>;
  /** Sets of columns whose values together are unique in the table. */
  readonly indexes: readonly (readonly string[])[];
  /** Rows of other tables vanish at commit unless something refers to them. */
  readonly isRoot: boolean;
  /** Infinity when unlimited. */
  readonly maxRows: number;
}

export interface DatabaseSchema {
  readonly name: string;
  readonly version: string;
  readonly cksum?: string;
  readonly tables: ReadonlyMap<string, TableSchema>;
  /** Whether the table exists, and in it the column. */
  has(table: string, column?: string): boolean;
}

/** RFC 7047 section 3.1, `<id>`. Those that begin with an underscore belong to the implementation. */
const idPattern = /^[A-Za-z][A-Za-z0-9_]*$/;

function textOf(json: Json | undefined, name: string, where: string): string {
  if (typeof json !== 'string') throw badSchema(`${name} is no string`, where);
  return json;
}

function booleanOf(json: Json | undefined, fallback: boolean, where: string): boolean {
  if (json === undefined) return fallback;
  if (typeof json !== 'boolean') throw badSchema('expected a boolean', where);
  return json;
}

/** The members of an object whose keys are names, parsed. */
function parseNamed<T>(
  json: Json | undefined,
  where: string,
  parse: (name: string, json: JsonObject) => T,
): Map<string, T> {
  if (!isJsonObject(json)) throw badSchema('expected an object', where);
  const parsed = new Map<string, T>();
  for (const [name, member] of Object.entries(json)) {
    if (!idPattern.test(name)) throw badSchema('an illegal name', `${where} ${name}`);
    if (!isJsonObject(member)) throw badSchema('expected an object', `${where}.${name}`);
    parsed.set(name, parse(name, member));
  }
  return parsed;
}

function parseColumn(table: string, name: string, json: JsonObject): ColumnSchema {
  const where = `${table}.${name}`;
  return {
    name,
    type: parseColumnType(json['type'], where),
    ephemeral: booleanOf(json['ephemeral'], false, where),
    mutable: booleanOf(json['mutable'], true, where),
  };
}

function parseIndexes(json: Json | undefined, columns: ReadonlyMap<string, ColumnSchema>, table: string): string[][] {
  if (json === undefined) return [];
  if (!isJsonArray(json)) throw badSchema('indexes is no array', table);
  return json.map((index) => {
    if (!isJsonArray(index) || index.length === 0) throw badSchema('an index is no array of columns', table);
    return index.map((column) => {
      if (typeof column !== 'string' || !columns.has(column)) throw badSchema('an index of an unknown column', table);
      return column;
    });
  });
}

/**
 * Before OVSDB had isRoot there was no garbage collection: a schema in which no table is a root has only roots
 * (RFC 7047 section 3.2, "isRoot").
 */
function parseTable(name: string, json: JsonObject, isRootDefault: boolean): TableSchema {
  const columns = parseNamed(json['columns'], name, (column, member) => parseColumn(name, column, member));
  const maxRows = json['maxRows'];
  if (maxRows !== undefined && (typeof maxRows !== 'number' || maxRows < 1)) throw badSchema('maxRows', name);
  return {
    name,
    columns,
    indexes: parseIndexes(json['indexes'], columns, name),
    isRoot: booleanOf(json['isRoot'], isRootDefault, name),
    maxRows: maxRows ?? Infinity,
  };
}

/** Parses a `<database-schema>`. Throws AgentError PEER_PROTOCOL that names what is wrong and where. */
export function parseSchema(json: Json): DatabaseSchema {
  if (!isJsonObject(json)) throw badSchema('expected an object', 'schema');
  const cksum = json['cksum'];
  const hasRoots =
    isJsonObject(json['tables']) && Object.values(json['tables']).some((t) => isJsonObject(t) && t['isRoot'] === true);
  const tables = parseNamed(json['tables'], 'tables', (name, table) => parseTable(name, table, !hasRoots));
  return {
    name: textOf(json['name'], 'name', 'schema'),
    // RFC 7047 wants a version; OVS servers before 1.0 had none.
    version: json['version'] === undefined ? '' : textOf(json['version'], 'version', 'schema'),
    ...(cksum === undefined ? {} : { cksum: textOf(cksum, 'cksum', 'schema') }),
    tables,
    has: (table, column) => {
      const found = tables.get(table);
      return found !== undefined && (column === undefined || found.columns.has(column));
    },
  };
}
