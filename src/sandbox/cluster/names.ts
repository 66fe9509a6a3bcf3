/**
 * What may be a name, a label and an annotation: the rules of k8s.io/apimachinery (pkg/util/validation) with their
 * wording. Pure; used when an object is created or changed.
 */

import { isObject, objectAt, textAt } from './json.js';
import type { JsonObject } from './json.js';
import { required, wrong } from './status.js';
import type { FieldProblem } from './status.js';

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const labelPattern = new RegExp(`^${label}$`);
const subdomainPattern = new RegExp(`^${label}(\\.${label})*$`);
const qualifiedPart = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const qualifiedPattern = new RegExp(`^${qualifiedPart}$`);
const labelValuePattern = new RegExp(`^(${qualifiedPart})?$`);

const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with " +
  "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const qualifiedText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
  "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** All annotations of one object together, bytes (TotalAnnotationSizeLimitB). */
const annotationBytesMax = 256 * 1024;

/** Which rule a type's names follow. RBAC names are path segments: anything but `.`, `..`, `/` and `%`. */
export type NameRule = 'label' | 'subdomain' | 'segment';

/** What is wrong with a name; undefined when nothing is. */
export function nameFault(name: string, rule: NameRule): string | undefined {
  if (rule === 'segment') return name === '.' || name === '..' || /[/%]/.test(name) ? 'may not be used' : undefined;
  const lengthMax = rule === 'label' ? 63 : 253;
  if (name.length > lengthMax) return `must be no more than ${lengthMax} characters`;
  if (rule === 'label') return labelPattern.test(name) ? undefined : labelText;
  return subdomainPattern.test(name) ? undefined : subdomainText;
}

/** Whether the name can be the part of a path. */
export function isLabel(name: string): boolean {
  return nameFault(name, 'label') === undefined;
}

function keyFault(key: string): string | undefined {
  const slash = key.indexOf('/');
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (name.includes('/')) return 'a qualified name must consist of at most one prefix and a name';
  if (prefix !== undefined) {
    if (prefix === '') return 'prefix part must be non-empty';
    const fault = nameFault(prefix.toLowerCase(), 'subdomain');
    if (fault !== undefined) return `prefix part ${fault}`;
  }
  if (name === '') return 'name part must be non-empty';
  if (name.length > 63) return 'name part must be no more than 63 characters';
  return qualifiedPattern.test(name) ? undefined : qualifiedText;
}

/** What is wrong with a label's value; undefined when nothing is. */
export function labelValueFault(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 characters';
  return labelValuePattern.test(value) ? undefined : labelValueText;
}

/** What is wrong with a label's key; undefined when nothing is. */
export function labelKeyFault(key: string): string | undefined {
  return keyFault(key);
}

function labelProblems(labels: JsonObject): FieldProblem[] {
  const found: FieldProblem[] = [];
  for (const [key, value] of Object.entries(labels)) {
    const fault = keyFault(key);
    if (fault !== undefined) found.push(wrong('metadata.labels', key, fault));
    const valueFault = typeof value === 'string' ? labelValueFault(value) : 'must be a string';
    if (valueFault !== undefined) found.push(wrong('metadata.labels', value, valueFault));
  }
  return found;
}

function annotationProblems(annotations: JsonObject): FieldProblem[] {
  const found: FieldProblem[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    // Annotation keys are compared in lower case: upper case is allowed in the prefix.
    const fault = keyFault(key.toLowerCase());
    if (fault !== undefined) found.push(wrong('metadata.annotations', key, fault));
    bytes += Buffer.byteLength(key) + (typeof value === 'string' ? Buffer.byteLength(value) : 0);
  }
  if (bytes > annotationBytesMax) {
    const message = `may not be more than ${annotationBytesMax} bytes`;
    found.push({ field: 'metadata.annotations', reason: 'FieldValueInvalid', message: `Too long: ${message}` });
  }
  return found;
}

function nameProblems(object: JsonObject, rule: NameRule): FieldProblem[] {
  const name = textAt(object, 'metadata', 'name');
  if (name === '') return [required('metadata.name', 'name or generateName is required')];
  const fault = nameFault(name, rule);
  return fault === undefined ? [] : [wrong('metadata.name', name, fault)];
}

function ownerProblems(object: JsonObject): FieldProblem[] {
  const owners = objectAt(object, 'metadata')?.['ownerReferences'];
  if (!Array.isArray(owners)) return [];
  const controllers = owners.filter((owner) => isObject(owner) && owner['controller'] === true);
  const words = 'Only one reference can have Controller set to true';
  const tooMany = controllers.length > 1 ? [wrong('metadata.ownerReferences', owners, words)] : [];
  const incomplete = owners.flatMap((owner, index) => {
    const missing = ['apiVersion', 'kind', 'name', 'uid'].filter(
      (key) => !isObject(owner) || textAt(owner, key) === '',
    );
    return missing.map((key) => required(`metadata.ownerReferences[${index}].${key}`, `${key} must not be empty`));
  });
  return [...incomplete, ...tooMany];
}

/** Everything that is wrong with an object's metadata. */
export function metadataProblems(object: JsonObject, rule: NameRule): FieldProblem[] {
  return [
    ...nameProblems(object, rule),
    ...labelProblems(objectAt(object, 'metadata', 'labels') ?? {}),
    ...annotationProblems(objectAt(object, 'metadata', 'annotations') ?? {}),
    ...ownerProblems(object),
  ];
}
