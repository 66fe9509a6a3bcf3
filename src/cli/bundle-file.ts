/**
 * Reads a bundle from a file that a person has written: YAML or JSON in the words of the configuration file. What is wrong
 * with it is said with paths, as the agent would say it; what only the agent can know is left to it.
 */

import { readFileSync } from 'node:fs';
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Alias, type Document, type Scalar } from 'yaml';
import { type Bundle, BundleSchema } from '../gen/proto/dpu/agent/v1/intent_pb.js';
import { AgentError, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { wordsToMessage, Written } from '../words/words-to-message.js';
import { ApiError } from './api-error.js';

/** What the agent takes in one message is less than that. */
const textLengthMax = 8 * 2 ** 20;
/** A bundle is seven levels deep; the yaml library recurses. */
const depthMax = 32;
/** The library looks for the anchor of each alias from the beginning of the document. */
const aliasesMax = 2_000;
/** What aliases may expand to. */
const nodesMax = 200_000;

/** The text of the file; `-` is standard input. @throws AgentError USAGE */
export function readBundleText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new AgentError('USAGE', `${safeText(file)} cannot be read: ${toError(cause).message}`, {
      cause,
      remedy: 'Name a file of YAML or JSON with --file, or - for standard input.',
    });
  }
}

const invalid = (file: string, message: string, remedy: string): AgentError =>
  new AgentError('INTENT_INVALID', `${safeText(file)} is no valid bundle: ${message}`, { remedy });

const tooDeep = (file: string): AgentError =>
  invalid(file, 'it is nested too deeply, or its aliases stand for too much', 'A bundle is seven levels deep.');

/**
 * The bundle that the text stands for.
 * @param file for messages
 * @throws AgentError INTENT_INVALID; ApiError with violations where single values are wrong
 */
export function parseBundle(text: string, file: string): Bundle {
  const plain = plainOf(text, file);
  const { message, problems } = wordsToMessage(BundleSchema, plain);
  const [first] = problems;
  if (first === undefined) return message;
  const violations = problems.map((problem) => ({
    field: problem.field,
    description: problem.remedy === undefined ? problem.message : `${problem.message}. ${problem.remedy}`,
    reason: 'INTENT_INVALID',
  }));
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  throw new ApiError(
    'INTENT_INVALID',
    `${safeText(file)} is no valid bundle: ${first.field}: ${first.message}${more}`,
    { code: 'INTENT_INVALID', violations, retryAfterMs: undefined, metadata: {} },
    { remedy: 'The keys are those of bridges, ports and chains in the configuration file: docs/configuration.md.' },
  );
}

function plainOf(text: string, file: string): unknown {
  if (text.length > textLengthMax) throw invalid(file, `it is larger than ${textLengthMax} bytes`, 'Split it.');
  const document = parseYaml(text, file);
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) throw invalid(file, safeText(fault.message, 400), 'Correct the YAML.');
  return new Plain(document, file).read(document.contents, 0);
}

/** The library recurses: nesting that exhausts the stack is one more thing that can be wrong with a file. */
function parseYaml(text: string, file: string): Document.Parsed {
  try {
    return parseDocument(text, { prettyErrors: true });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooDeep(file);
    throw cause;
  }
}

/** Plain data of a document, with numbers and booleans as they were written. */
class Plain {
  readonly #document: Document.Parsed;
  readonly #file: string;
  #count = 0;
  #aliasCount = 0;

  constructor(document: Document.Parsed, file: string) {
    this.#document = document;
    this.#file = file;
  }

  read(node: unknown, depth: number): unknown {
    this.#count += 1;
    if (depth > depthMax || this.#count > nodesMax) throw tooDeep(this.#file);
    if (isAlias(node)) return this.#alias(node, depth);
    if (isMap(node)) {
      return Object.fromEntries(node.items.map(({ key, value }) => [this.#key(key), this.read(value, depth + 1)]));
    }
    if (isSeq(node)) return node.items.map((item) => this.read(item, depth + 1));
    return isScalar(node) ? scalarOf(node) : null;
  }

  #alias(alias: Alias, depth: number): unknown {
    this.#aliasCount += 1;
    if (this.#aliasCount > aliasesMax) throw tooDeep(this.#file);
    const target = alias.resolve(this.#document);
    if (target !== undefined) return this.read(target, depth + 1);
    throw invalid(this.#file, `no anchor &${safeText(alias.source, 64)} before its alias`, 'Correct the YAML.');
  }

  #key(key: unknown): string {
    if (isScalar(key) && key.value !== null) return textOf(key);
    throw invalid(this.#file, 'a key is no plain word', 'Write keys as words.');
  }
}

function scalarOf(scalar: Scalar): unknown {
  const { value } = scalar;
  if (typeof value === 'number' || typeof value === 'boolean') return new Written(value, textOf(scalar));
  return value === null ? null : textOf(scalar);
}

function textOf(scalar: Scalar): string {
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value));
}
