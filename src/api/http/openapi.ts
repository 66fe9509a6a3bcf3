/** The OpenAPI 3.1 document of the HTTP API, made from its resources and the descriptors of their messages. Pure. */

import { SchemaBook, type JsonSchema } from './json-schema.js';
import { parameterNames, type ServedResource } from './resources.js';

const errorSchema: JsonSchema = {
  type: 'object',
  properties: {
    code: { type: 'string', description: 'Stable code of docs/errors.md' },
    message: { type: 'string' },
    remedy: { type: 'string' },
  },
  required: ['code', 'message'],
};

const paging: Readonly<Record<string, JsonSchema>> = {
  limit: {
    name: 'limit',
    in: 'query',
    description: 'How many at most; 200 when absent (journal: 100)',
    schema: { type: 'integer', minimum: 1, maximum: 1_000 },
  },
  offset: {
    name: 'offset',
    in: 'query',
    description: 'How many to leave out; header Link names the next page, X-Total-Count says how many there are',
    schema: { type: 'integer', minimum: 0 },
  },
};

const refused: JsonSchema = {
  description: 'Refused, with the reason',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
};

function answer(description: string, type: string, schema: JsonSchema): JsonSchema {
  return { '200': { description, content: { [type]: { schema } } }, default: refused };
}

function operation(
  id: string,
  summary: string,
  responses: JsonSchema,
  parameters: readonly JsonSchema[] = [],
): JsonSchema {
  return { get: { operationId: id, summary, parameters, responses } };
}

const checkSchema: JsonSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, isOk: { type: 'boolean' }, message: { type: 'string' } },
  required: ['name', 'isOk', 'message'],
};

const readySchema: JsonSchema = {
  type: 'object',
  properties: {
    isReady: { type: 'boolean' },
    reasonCount: { type: 'integer' },
    reasons: {
      type: 'array',
      items: {
        type: 'object',
        properties: { object: { type: 'string' }, reason: { type: 'string' }, message: { type: 'string' } },
      },
    },
    checks: { type: 'array', items: checkSchema },
  },
  // Reasons only for who has shown the token, where one is asked for.
  required: ['isReady'],
};

function plainPaths(): Readonly<Record<string, JsonSchema>> {
  const state: JsonSchema = { type: 'object', properties: { status: { type: 'string' } }, required: ['status'] };
  const verbose = { name: 'verbose', in: 'query', description: 'Every check', schema: { type: 'string' } };
  const unready = {
    description: 'Not ready, with the reasons',
    content: { 'application/json': { schema: readySchema } },
  };
  return {
    '/healthz': operation('healthz', 'Whether the process answers', answer('It does', 'application/json', state)),
    '/livez': operation(
      'livez',
      'Whether the loops go on, for a watchdog',
      answer('They do', 'application/json', state),
    ),
    '/readyz': operation(
      'readyz',
      'Whether everything wanted is there, on evidence',
      { ...answer('It is', 'application/json', readySchema), '503': unready },
      [verbose],
    ),
    '/version': operation('version', 'Versions', answer('Versions', 'application/json', { type: 'object' })),
    '/metrics': operation(
      'metrics',
      'Metrics; OpenMetrics for a client that asks for it',
      answer('Metrics', 'text/plain', { type: 'string' }),
    ),
  };
}

/** What the answer of a resource looks like. */
function schemaOf({ resource, output }: ServedResource, book: SchemaBook): JsonSchema {
  const { unwrap, pick } = resource;
  const field = output.fields.find(({ localName }) => localName === (unwrap ?? pick?.within));
  if (field?.message === undefined) return book.reference(output);
  if (pick === undefined) return book.reference(field.message);
  const inner = field.message.fields.filter(({ localName }) => pick.fields.includes(localName));
  return {
    type: 'object',
    properties: Object.fromEntries(inner.map((entry) => [entry.jsonName, book.fieldSchema(entry)])),
  };
}

function resourcePath(served: ServedResource, book: SchemaBook): JsonSchema {
  const { name, summary, parameters } = served.resource;
  const own = parameters.map((entry) => ({ ...entry, in: 'query' }));
  const pages = parameterNames(served.resource).flatMap((entry): readonly JsonSchema[] => {
    const page = paging[entry];
    return page === undefined ? [] : [page];
  });
  const responses = answer(summary, 'application/json', schemaOf(served, book));
  return operation(name.replace('/', '-'), summary, responses, [...own, ...pages]);
}

/** @param version of the agent */
export function openApiDocument(served: readonly ServedResource[], version: string): JsonSchema {
  const book = new SchemaBook();
  const paths = Object.fromEntries(
    served.map((entry) => [`/api/v1/${entry.resource.name}`, resourcePath(entry, book)]),
  );
  return {
    openapi: '3.1.0',
    info: {
      title: 'dpu-node-agent',
      version,
      description:
        'Reads what the agent knows. The messages are those of the gRPC API dpu.agent.v1 in their JSON form: times are RFC 3339, 64-bit integers are texts.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: { ...plainPaths(), ...paths },
    components: {
      schemas: { ...book.all(), Error: errorSchema },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'Where api.http.tokenFile is configured' },
        certificate: { type: 'mutualTLS', description: 'Where api.http.tls.clientCaFile is configured' },
      },
    },
    security: [{}, { token: [] }, { certificate: [] }],
  };
}
