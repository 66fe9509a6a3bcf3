/**
 * A message of the API as plain data in the words of the configuration file. Driven by the descriptor: a field of the proto
 * file is a key of the same name, an enum is a word, what is not set is absent.
 */

import { isFieldSet, ScalarType } from '@bufbuild/protobuf';
import type { DescEnum, DescField, DescMessage, MessageShape } from '@bufbuild/protobuf';
import { reflect, type ReflectList, type ReflectMap, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import { wordOf, wordsOf } from './enum-words.js';
import { formatWordPath, type WordPath, type WordProblem } from './word-problem.js';

export interface PlainWords {
  readonly plain: Readonly<Record<string, unknown>>;
  /** Enums with numbers that this version has no word for. Their keys are absent from `plain`. */
  readonly problems: readonly WordProblem[];
}

/** The message as plain data: maps, lists, texts, numbers and booleans. */
export function messageToWords<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): PlainWords {
  const problems: WordProblem[] = [];
  return { plain: plainMessage(reflect(desc, message), [], problems), problems };
}

function plainMessage(message: ReflectMessage, path: WordPath, problems: WordProblem[]): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const field of message.fields) {
    if (!isFieldSet(message.message, field)) continue;
    const value = plainField(message, field, [...path, field.jsonName], problems);
    if (value !== undefined) plain[field.jsonName] = value;
  }
  return plain;
}

function plainField(message: ReflectMessage, field: DescField, path: WordPath, problems: WordProblem[]): unknown {
  switch (field.fieldKind) {
    case 'message':
      return plainMessage(message.get(field), path, problems);
    case 'enum':
      return plainEnum(field.enum, message.get(field), path, problems);
    case 'list':
      return plainList(field, message.get(field), path, problems);
    case 'map':
      return plainMap(message.get(field));
    case 'scalar':
      return plainScalar(field.scalar, message.get(field));
  }
}

function plainEnum(desc: DescEnum, number: number, path: WordPath, problems: WordProblem[]): string | undefined {
  const word = wordOf(desc, number);
  if (word !== undefined || number === 0) return word;
  const message = `number ${number} is no value of ${desc.name}; allowed: one of ${wordsOf(desc).join(', ')}`;
  const remedy = 'The caller knows a newer version of the API than this agent.';
  problems.push({ field: formatWordPath(path), message, remedy });
  return undefined;
}

function plainList(
  field: DescField & { fieldKind: 'list' },
  list: ReflectList,
  path: WordPath,
  problems: WordProblem[],
): readonly unknown[] {
  return [...list].map((item, index) => {
    if (field.listKind === 'message') return plainMessage(item as ReflectMessage, [...path, index], problems);
    if (field.listKind === 'enum') return plainEnum(field.enum, item as number, [...path, index], problems);
    return plainScalar(field.scalar, item);
  });
}

// An own key `__proto__` is one like any other: fromEntries defines it, an assignment would not.
function plainMap(map: ReflectMap): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...map].map(([key, value]) => [String(key), value]));
}

// No number of the configuration is larger than 32 bits: the bundle's fields are uint32.
function plainScalar(scalar: ScalarType, value: unknown): unknown {
  return scalar === ScalarType.BYTES ? undefined : value;
}
