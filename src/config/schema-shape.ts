/**
 * Questions about the schema's own structure: what is at a path, which keys are valid there, what is allowed in words. Used
 * by the checks, the overrides and the reference; the answers follow the schema, so there is no second list of keys.
 */
import * as z from 'zod';
import type { ConfigPath, PathStep } from './path.js';
import { configSchema } from './schema.js';

/** What kind of value a schema wants, defaults and optionality aside. */
export type Shape =
  | { readonly kind: 'object'; readonly keys: ReadonlyMap<string, z.ZodType> }
  | { readonly kind: 'list'; readonly item: z.ZodType }
  | { readonly kind: 'map'; readonly value: z.ZodType }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'number' | 'boolean' | 'text' };

/** The schema below its defaults and its optionality. */
function innerOf(schema: z.ZodType): z.ZodType {
  const below = unwrapOnce(schema);
  return below === undefined ? schema : innerOf(below);
}

function unwrapOnce(schema: z.ZodType): z.ZodType | undefined {
  const isWrapper =
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional;
  return isWrapper ? (schema.unwrap() as z.ZodType) : undefined;
}

export function shapeOf(schema: z.ZodType): Shape {
  const inner = innerOf(schema);
  if (inner instanceof z.ZodObject) {
    return { kind: 'object', keys: new Map(Object.entries(inner.shape)) };
  }
  if (inner instanceof z.ZodArray) return { kind: 'list', item: inner.element as z.ZodType };
  if (inner instanceof z.ZodRecord) return { kind: 'map', value: inner.valueType as z.ZodType };
  if (inner instanceof z.ZodEnum) return { kind: 'choice', values: inner.options.map(String) };
  if (inner instanceof z.ZodNumber) return { kind: 'number' };
  return { kind: inner instanceof z.ZodBoolean ? 'boolean' : 'text' };
}

/** The schema of what stands at `path` of a document, undefined when nothing may stand there. */
export function schemaAt(path: ConfigPath, root: z.ZodType = configSchema): z.ZodType | undefined {
  let schema: z.ZodType | undefined = root;
  for (const step of path) {
    if (schema === undefined) return undefined;
    schema = childSchema(schema, step);
  }
  return schema;
}

function childSchema(schema: z.ZodType, step: PathStep): z.ZodType | undefined {
  const shape = shapeOf(schema);
  if (shape.kind === 'object') return typeof step === 'string' ? shape.keys.get(step) : undefined;
  if (shape.kind === 'list') return shape.item;
  return shape.kind === 'map' ? shape.value : undefined;
}

/** The valid keys at `path`, empty when it is no object. */
export function keysAt(path: ConfigPath, root: z.ZodType = configSchema): readonly string[] {
  const schema = schemaAt(path, root);
  const shape = schema === undefined ? undefined : shapeOf(schema);
  return shape?.kind === 'object' ? [...shape.keys.keys()] : [];
}

/** What is allowed, as the end of a sentence: `a whole number from 68 to 65535`. */
export function allowedText(schema: z.ZodType): string {
  const inner = innerOf(schema);
  const stated = metaOf(schema).allowed;
  if (stated !== undefined) return stated;
  const shape = shapeOf(inner);
  switch (shape.kind) {
    case 'object':
      return 'a map of keys and values';
    case 'map':
      return 'a map of keys and text';
    case 'list':
      return `a list${boundsText(inner)}, each ${allowedText(shape.item)}`;
    case 'choice':
      return shape.values.length === 1 ? (shape.values[0] ?? '') : `one of ${shape.values.join(', ')}`;
    case 'boolean':
      return 'true or false';
    case 'number':
      return numberText(inner);
    case 'text':
      return 'text';
  }
}

function numberText(schema: z.ZodType): string {
  if (!(schema instanceof z.ZodNumber)) return 'a whole number';
  return `a whole number from ${String(schema.minValue)} to ${String(schema.maxValue)}`;
}

/** Every list of the schema says how long it may be. */
function boundsText(schema: z.ZodType): string {
  const checks = schema.def.checks ?? [];
  const min = checks.find((check) => check instanceof z.core.$ZodCheckMinLength)?._zod.def.minimum ?? 0;
  const max = checks.find((check) => check instanceof z.core.$ZodCheckMaxLength)?._zod.def.maximum;
  if (max === undefined) return min === 0 ? '' : ` of at least ${min}`;
  return min === 0 ? ` of up to ${max}` : ` of ${min} to ${max}`;
}

export interface SchemaMeta {
  readonly description?: string | undefined;
  readonly allowed?: string | undefined;
}

/** Description and allowed values, from the outermost wrapper of the schema that states them. */
export function metaOf(schema: z.ZodType): SchemaMeta {
  const own = schema.meta();
  const below = unwrapOnce(schema);
  const inherited = below === undefined ? {} : metaOf(below);
  return {
    description: own?.description ?? inherited.description,
    allowed: own?.allowed ?? inherited.allowed,
  };
}

/** The default as the file would write it; undefined when there is none. */
export function defaultOf(schema: z.ZodType): unknown {
  return schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined;
}
