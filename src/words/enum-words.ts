/**
 * The words of the configuration file that the values of an enum of the API stand for: `VLAN_MODE_NATIVE_TAGGED` is
 * `native-tagged`. Read from the descriptor, so there is no second list of words.
 */

import type { DescEnum } from '@bufbuild/protobuf';

/** The word of an enum's value; undefined for UNSPECIFIED, which is no word, and for numbers that the enum does not have. */
export function wordOf(desc: DescEnum, number: number): string | undefined {
  const name = number === 0 ? undefined : desc.value[number]?.name;
  return name === undefined ? undefined : toWord(desc, name);
}

/** The number that a word stands for. */
export function numberOf(desc: DescEnum, word: string): number | undefined {
  return desc.values.find(({ name, number }) => number !== 0 && toWord(desc, name) === word)?.number;
}

/** All words, in the order of their numbers. */
export function wordsOf(desc: DescEnum): readonly string[] {
  return desc.values.filter(({ number }) => number !== 0).map(({ name }) => toWord(desc, name));
}

// buf's rule ENUM_VALUE_PREFIX: every name begins with that of the enum.
function toWord({ sharedPrefix = '' }: DescEnum, name: string): string {
  return name.slice(sharedPrefix.length).toLowerCase().replaceAll('_', '-');
}
