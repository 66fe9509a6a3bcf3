import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { configJsonSchema } from '../../src/config/schema.js';
import { BundleSchema } from '../../src/gen/proto/dpu/agent/v1/intent_pb.js';
import { wordsOf } from '../../src/words/enum-words.js';

/** What a JSON schema or a field wants, in one notation. */
type Wish = string | { readonly [key: string]: Wish };

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | false;
  readonly items?: JsonSchema;
}

function wishOf(schema: JsonSchema): Wish {
  if (schema.enum !== undefined) return schema.enum.join('|');
  if (schema.type === 'array') return { '[]': wishOf(schema.items ?? {}) };
  if (schema.type !== 'object') return schema.type ?? '?';
  if (schema.properties !== undefined) {
    return Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, wishOf(value)]));
  }
  return { '{}': wishOf(schema.additionalProperties === false ? {} : (schema.additionalProperties ?? {})) };
}

const scalarWishes: Readonly<Partial<Record<ScalarType, string>>> = {
  [ScalarType.STRING]: 'string',
  [ScalarType.BOOL]: 'boolean',
  [ScalarType.UINT32]: 'integer',
};

function fieldWish(field: DescField): Wish {
  switch (field.fieldKind) {
    case 'message':
      return messageWish(field.message);
    case 'enum':
      return wordsOf(field.enum).join('|');
    case 'scalar':
      return scalarWishes[field.scalar] ?? '?';
    case 'map':
      return { '{}': field.mapKind === 'scalar' ? (scalarWishes[field.scalar] ?? '?') : '?' };
    case 'list':
      if (field.listKind === 'message') return { '[]': messageWish(field.message) };
      return { '[]': field.listKind === 'enum' ? wordsOf(field.enum).join('|') : (scalarWishes[field.scalar] ?? '?') };
  }
}

function messageWish(desc: DescMessage): Readonly<Record<string, Wish>> {
  return Object.fromEntries(desc.fields.map((field) => [field.jsonName, fieldWish(field)]));
}

function sorted(wish: Wish): Wish {
  if (typeof wish === 'string') return wish;
  const entries = Object.entries(wish).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, value]) => [key, sorted(value)]));
}

const { properties = {} } = configJsonSchema() as JsonSchema;
const bundle = messageWish(BundleSchema) as Readonly<Record<string, { readonly '[]': Readonly<Record<string, Wish>> }>>;

/** The bundle lists OpenFlow versions as text, and each port can name its bridge: where it stands in a list of its own. */
function asInConfig(bridgeWish: Readonly<Record<string, Wish>>): Wish {
  const { bridge, ...port } = (bridgeWish['ports'] as { readonly '[]': Readonly<Record<string, Wish>> })['[]'];
  expect(bridge).toBe('string');
  expect(bridgeWish['protocols']).toEqual({ '[]': 'string' });
  const protocols = { '[]': 'OpenFlow10|OpenFlow11|OpenFlow12|OpenFlow13|OpenFlow14|OpenFlow15' };
  return { ...bridgeWish, protocols, ports: { '[]': port } };
}

describe('the bundle of the API', () => {
  it('has the bridges and ports of the configuration, key for key and word for word', () => {
    const { '[]': wanted } = wishOf(properties['bridges'] ?? {}) as { '[]': Wish };
    expect(sorted(asInConfig(bundle['bridges']?.['[]'] ?? {}))).toEqual(sorted(wanted));
  });

  it('has the chains of the configuration, key for key and word for word', () => {
    expect(sorted({ ...bundle['chains'] })).toEqual(sorted(wishOf(properties['chains'] ?? {})));
  });

  it('has ports of its own in the same words', () => {
    expect(bundle['ports']).toEqual(bundle['bridges']?.['[]']['ports']);
  });
});
