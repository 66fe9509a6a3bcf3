/**
 * The reference of the configuration as data, made from the schema: what the documentation's tables must say. Used by the
 * test that keeps docs/configuration.md true, and by whoever prints help.
 */
import type { ConfigPath } from './path.js';
import { configSchema } from './schema.js';
import { allowedText, defaultOf, metaOf, schemaAt, shapeOf } from './schema-shape.js';
import { environmentVariables } from './overrides.js';

export interface ReferenceRow {
  /** Such as `bridges[].ports[].vlan.tag`. */
  readonly path: string;
  readonly allowed: string;
  /** As the file would write it (JSON); empty when there is none. */
  readonly default: string;
  readonly meaning: string;
  /** The environment variable that overrides it; empty when there is none. */
  readonly variable: string;
}

/** One row for each key, sections before their keys, in the order of the schema. */
export function configReference(): readonly ReferenceRow[] {
  const variables = new Map([...environmentVariables()].map(([name, path]) => [pathText(path), name]));
  return keyPaths([]).map((path) => {
    const schema = schemaAt(path) ?? configSchema;
    const { description = '' } = metaOf(schema);
    const preset: unknown = defaultOf(schema);
    return {
      path: pathText(path),
      allowed: allowedText(schema),
      default: preset === undefined ? '' : JSON.stringify(preset),
      meaning: description,
      variable: variables.get(pathText(path)) ?? '',
    };
  });
}

/** As Markdown, for the documentation. */
export function referenceTable(rows: readonly ReferenceRow[]): string {
  const lines = rows.map((row) => {
    const preset = row.default === '' ? '' : `\`${row.default}\``;
    return `| \`${row.path}\` | ${row.allowed} | ${preset} | ${row.meaning} |`;
  });
  return ['| Key | Allowed | Default | Meaning |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

/** The environment variables as Markdown. */
export function variableTable(rows: readonly ReferenceRow[]): string {
  const lines = rows
    .filter(({ variable }) => variable !== '')
    .map((row) => `| \`${row.variable}\` | \`${row.path}\` |`);
  return ['| Variable | Key |', '| --- | --- |', ...lines].join('\n');
}

function pathText(path: ConfigPath): string {
  return path.map((step, index) => (typeof step === 'number' ? '[]' : index === 0 ? step : `.${step}`)).join('');
}

function keyPaths(path: ConfigPath): readonly ConfigPath[] {
  const schema = schemaAt(path);
  const shape = schema === undefined ? undefined : shapeOf(schema);
  if (shape?.kind === 'list') return keyPaths([...path, 0]);
  if (shape?.kind !== 'object') return [];
  return [...shape.keys.keys()].flatMap((key) => [[...path, key], ...keyPaths([...path, key])]);
}
