/**
 * What building bridges and building chains have in common: the selector of a function as a type of its own, and keys that
 * a rule has made sure of. Never fails for what a person wrote.
 */
import { assert } from '../lib/assert.js';
import type { RepresentorSelector } from './config.js';
import type { PortInput } from './schema.js';

/** `value`, which a rule has made sure of. */
export function known<T>(value: T | undefined): T {
  assert(value !== undefined, 'a rule has made sure that the kind of port has this key');
  return value;
}

/** The selector that was written as a map of numbers. */
export function selectorOf(input: NonNullable<PortInput['representor']>): RepresentorSelector {
  const { pf, vf, sf, controller } = input;
  const owner = controller === undefined ? {} : { controller };
  if (vf !== undefined) return { kind: 'vf', pf, vf, ...owner };
  return sf === undefined ? { kind: 'pf', pf, ...owner } : { kind: 'sf', pf, sf, ...owner };
}
