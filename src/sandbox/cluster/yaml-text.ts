/**
 * YAML as Kubernetes reads it: every document of a text as JSON. Used for bodies in YAML and for manifests. The only
 * place here that imports the YAML package.
 */

import { parseAllDocuments } from 'yaml';
import type { Json } from './json.js';
import { badRequest } from './status.js';

/** Aliases that one document may expand to: a bound on "billion laughs". */
const aliasCountMax = 100;

/** The one document of a text. Throws StatusError 400. */
export function parseYaml(text: string): Json {
  return parseYamlDocuments(text)[0] ?? null;
}

/** All documents of a text but the empty ones. Throws StatusError 400. */
export function parseYamlDocuments(text: string): Json[] {
  // Not 1.1, whose `y` and `n` are booleans: Go's YAML takes those for texts.
  const documents = parseAllDocuments(text, { version: '1.2', merge: true });
  if (!Array.isArray(documents)) return [];
  return documents
    .map((document) => {
      const [fault] = document.errors;
      if (fault !== undefined) throw badRequest(`error converting YAML to JSON: ${fault.message}`);
      return document.toJS({ maxAliasCount: aliasCountMax }) as Json;
    })
    .filter((value) => value !== null);
}
