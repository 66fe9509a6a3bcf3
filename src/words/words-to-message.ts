/**
 * Plain data in the words of the configuration file as a message of the API: the inverse of `message-to-words.ts`, for a
 * file that a person has written. Says what is wrong with every value in words, with its path. What is a valid number or name
 * is the agent's business: it checks a bundle as it checks its configuration.
 */

import { create, ScalarType } from '@bufbuild/protobuf';
import type { DescEnum, DescField, DescMessage, MessageShape } from '@bufbuild/protobuf';
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import { nearest } from '../lib/nearest.js';
import { safeText } from '../lib/text.js';
import { numberOf, wordsOf } from './enum-words.js';
import { formatWordPath, type WordPath, type WordProblem } from './word-problem.js';

/**
 * A number or boolean together with how it was written. Where text is wanted it is taken as it was written: nobody should
 * have to know which texts YAML reads as something else (`007`, `1e3`, `yes`).
 */
export class Written {
  readonly value: number | boolean;
  readonly text: string;

  constructor(value: number | boolean, text: string) {
    this.value = value;
    this.text = text;
  }
}

export interface WordsMessage<Desc extends DescMessage> {
  /** Without the values that are wrong. */
  readonly message: MessageShape<Desc>;
  readonly problems: readonly WordProblem[];
}

const problemsMax = 100;

/** The message that the data stands for. Null is as good as absent where a map or a list is wanted. */
export function wordsToMessage<Desc extends DescMessage>(desc: Desc, plain: unknown): WordsMessage<Desc> {
  const reader = new WordsReader();
  const message = create(desc);
  reader.read(reflect(desc, message), plain, []);
  return { message, problems: reader.problems };
}

class WordsReader {
  readonly problems: WordProblem[] = [];

  read(message: ReflectMessage, plain: unknown, path: WordPath): void {
    if (plain === null || plain === undefined) return;
    if (!isMap(plain)) {
      this.#report(path, `${shown(plain)} is not allowed here; allowed: a map of keys and values`);
      return;
    }
    for (const [key, value] of Object.entries(plain)) {
      const field = message.fields.find(({ jsonName }) => jsonName === key);
      if (field === undefined) this.#reportUnknownKey(message, key, path);
      else this.#readField(message, field, value, [...path, key]);
    }
  }

  #readField(message: ReflectMessage, field: DescField, value: unknown, path: WordPath): void {
    switch (field.fieldKind) {
      case 'message': {
        if (value === null) return;
        const child = message.get(field);
        this.read(child, value, path);
        message.set(field, child);
        return;
      }
      case 'list':
        this.#readList(message, field, value, path);
        return;
      case 'map':
        this.#readMap(message, field, value, path);
        return;
      default: {
        const single = this.#single(field, value, path);
        if (single !== undefined) message.set(field, single);
      }
    }
  }

  #readList(message: ReflectMessage, field: DescField & { fieldKind: 'list' }, value: unknown, path: WordPath): void {
    if (value === null) return;
    if (!Array.isArray(value)) {
      this.#report(path, `${shown(value)} is not allowed here; allowed: a list`);
      return;
    }
    const list = message.get(field);
    value.forEach((item: unknown, index) => {
      if (field.listKind === 'message') {
        const child = reflect(field.message);
        this.read(child, item, [...path, index]);
        list.add(child);
      } else {
        const single = this.#single(field, item, [...path, index]);
        if (single !== undefined) list.add(single);
      }
    });
  }

  #readMap(message: ReflectMessage, field: DescField & { fieldKind: 'map' }, value: unknown, path: WordPath): void {
    if (value === null) return;
    if (!isMap(value)) {
      this.#report(path, `${shown(value)} is not allowed here; allowed: a map of keys and text`);
      return;
    }
    const map = message.get(field);
    for (const [key, item] of Object.entries(value)) {
      const text = this.#text(item, [...path, key]);
      if (text !== undefined) map.set(key, text);
    }
  }

  /** An enum or scalar; undefined when it is wrong, which was reported then. */
  #single(
    field: DescField & ({ enum: DescEnum } | { scalar: ScalarType }),
    value: unknown,
    path: WordPath,
  ): string | number | boolean | undefined {
    if (field.enum !== undefined) return this.#word(field.enum, value, path);
    switch (field.scalar) {
      case ScalarType.STRING:
        return this.#text(value, path);
      case ScalarType.BOOL:
        return this.#bool(value, path);
      case ScalarType.UINT32:
        return this.#uint32(value, path);
      default:
        throw new TypeError(`a bundle has no field of scalar type ${String(field.scalar)}`);
    }
  }

  #word(desc: DescEnum, value: unknown, path: WordPath): number | undefined {
    const text = value instanceof Written ? value.text : value;
    const number = typeof text === 'string' ? numberOf(desc, text) : undefined;
    if (number !== undefined) return number;
    const words = wordsOf(desc);
    const guess = typeof text === 'string' ? nearest(text, words) : undefined;
    const remedy = guess === undefined ? undefined : `Did you mean "${guess}"?`;
    this.#report(path, `${shown(value)} is not allowed here; allowed: one of ${words.join(', ')}`, remedy);
    return undefined;
  }

  #text(value: unknown, path: WordPath): string | undefined {
    if (typeof value === 'string') return value;
    if (value instanceof Written) return value.text;
    const remedy = isScalar(value) ? 'Put it in quotes.' : undefined;
    this.#report(path, `${shown(value)} is not allowed here; allowed: text`, remedy);
    return undefined;
  }

  #bool(value: unknown, path: WordPath): boolean | undefined {
    const plain = unwritten(value);
    if (typeof plain === 'boolean') return plain;
    this.#report(path, `${shown(value)} is not allowed here; allowed: true or false`);
    return undefined;
  }

  #uint32(value: unknown, path: WordPath): number | undefined {
    const plain = unwritten(value);
    if (typeof plain === 'number' && plain === plain >>> 0) return plain;
    this.#report(path, `${shown(value)} is not allowed here; allowed: a whole number from 0 to 4294967295`);
    return undefined;
  }

  #reportUnknownKey({ fields }: ReflectMessage, key: string, path: WordPath): void {
    const valid = fields.map(({ jsonName }) => jsonName);
    const guess = nearest(key, valid);
    const remedy = guess === undefined ? `Valid here: ${valid.join(', ')}.` : `Did you mean "${guess}"?`;
    this.#report([...path, key], `unknown key "${safeText(key, 64)}"`, remedy);
  }

  #report(path: WordPath, message: string, remedy?: string): void {
    if (this.problems.length < problemsMax) this.problems.push({ field: formatWordPath(path), message, remedy });
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Written);
}

function unwritten(value: unknown): unknown {
  return value instanceof Written ? value.value : value;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'an empty value';
  if (value instanceof Written) return safeText(value.text, 80);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'string') return `"${safeText(value, 80)}"`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'a map';
}
