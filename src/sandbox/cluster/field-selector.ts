/**
 * Field selectors as text: `spec.nodeName=a,status.phase!=Failed` with the escapes of k8s.io/apimachinery (pkg/fields).
 * Only the fields that a type offers can be asked for, as on real servers. Used by list, watch and deletecollection.
 */

import { valueAt } from './json.js';
import type { JsonObject } from './json.js';
import type { ObjectTest } from './label-selector.js';
import type { ResourceType } from './resource-type.js';
import { badRequest } from './status.js';

interface FieldRequirement {
  readonly path: readonly string[];
  readonly isEqual: boolean;
  readonly value: string;
}

/** A test for stored objects, made from the text. Throws StatusError 400. */
export function parseFieldSelector(text: string, type: ResourceType): ObjectTest {
  if (text.trim() === '') return () => true;
  const requirements = splitEscaped(text)
    .filter((term) => term !== '')
    .map((term) => parseTerm(term, type));
  return (object) => requirements.every(({ path, isEqual, value }) => (fieldText(object, path) === value) === isEqual);
}

/** Splits at commas that no backslash escapes. */
function splitEscaped(text: string): string[] {
  return text.split(/(?<!\\),/);
}

function parseTerm(term: string, type: ResourceType): FieldRequirement {
  const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
  if (match === null) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
  const field = match[1] ?? '';
  const storedAs = type.fields[field];
  if (storedAs === undefined) throw badRequest(`field label not supported: ${field}`);
  return { path: storedAs.split('.'), isEqual: match[2] !== '!=', value: unescape(match[3] ?? '') };
}

function unescape(value: string): string {
  return value.replaceAll(/\\([\\,=])/g, '$1');
}

function fieldText(object: JsonObject, path: readonly string[]): string {
  const value = valueAt(object, ...path);
  if (value === undefined || value === null) return path.at(-1) === 'hostNetwork' ? 'false' : '';
  return typeof value === 'object' ? '' : String(value);
}
