/**
 * Looking into JSON that a server sent, without believing anything about it. Used by everything here that reads answers.
 */

/** The member `name` of an object; undefined for anything else. Inherited members do not count. */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

/** The member as text, when it is one and not empty. */
export function textMember(value: unknown, name: string): string | undefined {
  const found = member(value, name);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

/** What identifies one reading of one object. */
export interface ObjectIdentity {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Uid and version from the metadata of an object; undefined when it lacks one. */
export function identityOf(object: unknown): ObjectIdentity | undefined {
  const metadata = member(object, 'metadata');
  const uid = textMember(metadata, 'uid');
  const resourceVersion = textMember(metadata, 'resourceVersion');
  return uid === undefined || resourceVersion === undefined ? undefined : { uid, resourceVersion };
}
