/**
 * Label selectors as text: `app=web,tier in (a,b),!old` (k8s.io/apimachinery, pkg/labels). Used by list, watch and
 * deletecollection.
 */

import { member, objectAt } from './json.js';
import type { JsonObject } from './json.js';
import { labelKeyFault, labelValueFault } from './names.js';
import { badRequest } from './status.js';

export type ObjectTest = (object: JsonObject) => boolean;

interface Requirement {
  readonly key: string;
  readonly operator: 'in' | 'notIn' | 'exists' | 'absent' | 'above' | 'below';
  readonly values: readonly string[];
}

const setPattern = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/;
const comparePattern = /^([^=!<>\s]+)\s*(==|!=|=|<|>)\s*([^=!<>\s]*)$/;

/** A test for objects, made from the text. Throws StatusError 400. */
export function parseLabelSelector(text: string): ObjectTest {
  if (text.trim() === '') return () => true;
  const requirements = splitTopLevel(text).map((part) => parseRequirement(part.trim(), text));
  return (object) => {
    const labels = objectAt(object, 'metadata', 'labels') ?? {};
    return requirements.every((requirement) => isMet(requirement, labels));
  };
}

/** Splits at the commas that are not inside parentheses. */
function splitTopLevel(text: string): string[] {
  return text.split(/,(?![^(]*\))/);
}

function parseRequirement(part: string, whole: string): Requirement {
  const set = setPattern.exec(part);
  if (set !== null) {
    const values = (set[3] ?? '').split(',').map((value) => value.trim());
    return checked({ key: set[1] ?? '', operator: set[2] === 'in' ? 'in' : 'notIn', values }, whole);
  }
  const compare = comparePattern.exec(part);
  if (compare !== null) {
    const operator = operators[compare[2] ?? ''] ?? 'in';
    return checked({ key: compare[1] ?? '', operator, values: [compare[3] ?? ''] }, whole);
  }
  if (/\s|\(|\)/.test(part)) throw unparsable(whole, `found '${part}'`);
  if (part.startsWith('!')) return checked({ key: part.slice(1).trim(), operator: 'absent', values: [] }, whole);
  return checked({ key: part, operator: 'exists', values: [] }, whole);
}

const operators: Readonly<Record<string, Requirement['operator']>> = {
  '=': 'in',
  '==': 'in',
  '!=': 'notIn',
  '>': 'above',
  '<': 'below',
};

function checked(requirement: Requirement, whole: string): Requirement {
  const fault = labelKeyFault(requirement.key) ?? requirement.values.map(labelValueFault).find((f) => f !== undefined);
  if (fault !== undefined) throw unparsable(whole, fault);
  return requirement;
}

function unparsable(whole: string, why: string): Error {
  return badRequest(`unable to parse requirement: ${why} (in "${whole}")`);
}

function isMet(requirement: Requirement, labels: JsonObject): boolean {
  const value = member(labels, requirement.key);
  switch (requirement.operator) {
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'in':
      return typeof value === 'string' && requirement.values.includes(value);
    case 'notIn':
      return typeof value !== 'string' || !requirement.values.includes(value);
    case 'above':
      return Number(value) > Number(requirement.values[0]);
    case 'below':
      return Number(value) < Number(requirement.values[0]);
  }
}
