/**
 * The read-only resources under /api/v1: each is one method of the gRPC services, asked with what the query says, its answer in
 * the JSON form of its message. So both have one vocabulary: docs and proto files of the one are those of the other. Fields
 * with default values are written too; 64-bit integers are texts; long lists come in pages.
 */

import { create, toJson, type DescMessage, type DescService, type Message } from '@bufbuild/protobuf';
import { ObjectKind } from '../../gen/proto/dpu/agent/v1/common_pb.js';
import { IntentService } from '../../gen/proto/dpu/agent/v1/intent_pb.js';
import { JournalService } from '../../gen/proto/dpu/agent/v1/journal_pb.js';
import { NodeService } from '../../gen/proto/dpu/agent/v1/node_pb.js';
import { OffloadService } from '../../gen/proto/dpu/agent/v1/offload_pb.js';
import { StatsService } from '../../gen/proto/dpu/agent/v1/stats_pb.js';
import { TopologyService } from '../../gen/proto/dpu/agent/v1/topology_pb.js';
import { AgentError } from '../../lib/errors.js';
import type { Caller } from '../caller.js';
import type { ServiceEntry } from '../grpc/service.js';
import { listedReasons, softwareFlowsMax } from '../services/software-flows.js';
import type { Query } from './query.js';

export interface Resource {
  /** Under `/api/v1/`. */
  readonly name: string;
  readonly summary: string;
  readonly service: DescService;
  /** Name of the method in handlers. */
  readonly method: string;
  /** The request's fields. */
  readonly request: (query: Query) => Readonly<Record<string, unknown>>;
  /** What the query may say besides `limit` and `offset`. */
  readonly parameters: readonly Parameter[];
  /** The list that comes in pages. */
  readonly list?: string;
  /** Only these fields of the message in `within`, at the top. */
  readonly pick?: { readonly within: string; readonly fields: readonly string[] };
  /** The message in this field, at the top. */
  readonly unwrap?: string;
}

export interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

const kinds: Readonly<Record<string, ObjectKind>> = {
  bridge: ObjectKind.BRIDGE,
  port: ObjectKind.PORT,
  representor: ObjectKind.REPRESENTOR,
  attachment: ObjectKind.ATTACHMENT,
  chain: ObjectKind.CHAIN,
};
const rowKinds = ['ports', 'attachments', 'chains'] as const;
const nothing = (): Readonly<Record<string, unknown>> => ({});
const names: Parameter = {
  name: 'name',
  description: 'Only rows of this name; may be given several times',
  schema: { type: 'array', items: { type: 'string' } },
};

function kindParameter(words: readonly string[], description: string): Parameter {
  return { name: 'kind', description, schema: { type: 'array', items: { type: 'string', enum: words } } };
}

const sequence = { type: 'integer', minimum: 0 };

/** Every resource. */
export const resources: readonly Resource[] = [
  {
    name: 'topology',
    summary: 'Bridges, ports, representors, attachments and chains at one version',
    service: TopologyService,
    method: 'getTopology',
    parameters: [kindParameter(Object.keys(kinds), 'Only these kinds')],
    request: (query) => ({ kinds: query.words('kind', Object.keys(kinds)).map((word) => kinds[word]) }),
    list: 'objects',
  },
  {
    name: 'chains',
    summary: 'The service chains in force',
    service: TopologyService,
    method: 'getTopology',
    parameters: [],
    request: () => ({ kinds: [ObjectKind.CHAIN] }),
    list: 'objects',
  },
  {
    name: 'attachments',
    summary: 'Networks of the pods of the host cluster',
    service: TopologyService,
    method: 'getTopology',
    parameters: [],
    request: () => ({ kinds: [ObjectKind.ATTACHMENT] }),
    list: 'objects',
  },
  {
    name: 'status',
    summary: 'What the agent says of itself and its objects',
    service: NodeService,
    method: 'getStatus',
    parameters: [],
    request: nothing,
    unwrap: 'status',
  },
  {
    name: 'findings',
    summary: 'Differences that are reported and not repaired',
    service: NodeService,
    method: 'getStatus',
    parameters: [],
    request: nothing,
    pick: { within: 'status', fields: ['observedAt', 'findings'] },
    list: 'findings',
  },
  {
    name: 'node',
    summary: 'What this DPU and its software are',
    service: NodeService,
    method: 'getNode',
    parameters: [],
    request: nothing,
    unwrap: 'node',
  },
  {
    name: 'journal',
    summary: 'What changed, when, and on whose behalf; without a range the newest',
    service: JournalService,
    method: 'listEntries',
    parameters: [
      { name: 'from', description: 'The first number', schema: sequence },
      { name: 'to', description: 'The last number', schema: sequence },
    ],
    request: (query) => ({
      fromSequence: BigInt(query.number('from', 0, Number.MAX_SAFE_INTEGER) ?? 0),
      toSequence: BigInt(query.number('to', 0, Number.MAX_SAFE_INTEGER) ?? 0),
      pageSize: query.number('limit', 1, 1_000) ?? 0,
    }),
  },
  {
    name: 'intents',
    summary: 'What owners have handed in, and what became of it',
    service: IntentService,
    method: 'list',
    parameters: [
      {
        name: 'limit',
        description: 'How many at most; 64 when absent',
        schema: { type: 'integer', minimum: 1, maximum: 64 },
      },
      { name: 'page', description: '`nextPageToken` of the page before', schema: { type: 'string' } },
    ],
    request: (query) => ({ pageSize: query.number('limit', 1, 64) ?? 0, pageToken: query.texts('page')[0] ?? '' }),
    list: 'intents',
  },
  {
    name: 'stats',
    summary: 'Packets, bytes, drops and errors; chains are counted by the switch when they are asked for',
    service: StatsService,
    method: 'getStats',
    parameters: [kindParameter(rowKinds, 'Which rows; ports when absent'), names],
    request: (query) => ({ selector: selectorOf(query, ['ports']) }),
    list: 'rows',
  },
  {
    name: 'offload',
    summary: 'Where the packets of each object are processed, as far as that is known',
    service: OffloadService,
    method: 'listOffload',
    parameters: [kindParameter(rowKinds, 'Which rows; all when absent'), names],
    request: (query) => ({ selector: selectorOf(query, rowKinds) }),
    list: 'rows',
  },
  {
    name: 'offload/status',
    summary: 'Engine and settings of hardware offload',
    service: OffloadService,
    method: 'getOffloadStatus',
    parameters: [],
    request: nothing,
    unwrap: 'status',
  },
  {
    name: 'offload/flows',
    summary: 'The largest flows in software of the newest dump, and why each is there; no newer dump is made for it',
    service: OffloadService,
    method: 'listSoftwareFlows',
    parameters: [
      {
        name: 'port',
        description: 'Only flows of this port of the datapath; may be given several times',
        schema: { type: 'array', items: { type: 'string' } },
      },
      {
        name: 'reason',
        description: 'Only flows with this reason; may be given several times',
        schema: { type: 'array', items: { type: 'string', enum: listedReasons } },
      },
    ],
    request: (query) => ({
      ports: query.texts('port'),
      reasons: query.words('reason', listedReasons),
      countMax: softwareFlowsMax,
    }),
    list: 'flows',
  },
];

function selectorOf(query: Query, absent: readonly string[]): Readonly<Record<string, unknown>> {
  const given = query.words('kind', rowKinds);
  const wanted = new Set(given.length === 0 ? absent : given);
  return {
    ports: wanted.has('ports'),
    attachments: wanted.has('attachments'),
    chains: wanted.has('chains'),
    names: query.texts('name'),
  };
}

/** Who came in over HTTP may read, and no more. */
const reader: Caller = { identity: 'HTTP', roles: new Set(['viewer']), owners: undefined };

type AnyHandler = (request: Message, context: { signal: AbortSignal; caller: Caller }) => unknown;

export interface Page {
  readonly json: Readonly<Record<string, unknown>>;
  /** Of the list, all pages; undefined where there is no list. */
  readonly total: number | undefined;
  readonly limit: number;
  readonly offset: number;
}

const limitDefault = 200;
const limitMax = 1_000;

/** A resource with the handler that answers for it. */
export class ServedResource {
  readonly resource: Resource;
  readonly output: DescMessage;
  readonly #input: DescMessage;
  readonly #handler: AnyHandler;

  private constructor(resource: Resource, input: DescMessage, output: DescMessage, handler: AnyHandler) {
    this.resource = resource;
    this.output = output;
    this.#input = input;
    this.#handler = handler;
  }

  /** Undefined when nobody serves it. */
  static of(resource: Resource, services: readonly ServiceEntry[]): ServedResource | undefined {
    const entry = services.find(({ service }) => service.typeName === resource.service.typeName);
    const method = resource.service.method[resource.method];
    if (entry === undefined || method === undefined) return undefined;
    const handler = (entry.handlers as Readonly<Record<string, AnyHandler>>)[resource.method];
    return handler === undefined ? undefined : new ServedResource(resource, method.input, method.output, handler);
  }

  /** @throws AgentError API_INVALID for a query that cannot be used; and what the handler throws */
  async read(query: Query, signal: AbortSignal): Promise<Page> {
    const { list, request } = this.resource;
    query.only(parameterNames(this.resource));
    const limit = query.number('limit', 1, limitMax) ?? limitDefault;
    const offset = query.number('offset', 0, Number.MAX_SAFE_INTEGER) ?? 0;
    const answer = await this.#handler(create(this.#input, request(query)), { signal, caller: reader });
    const message = create(this.output, answer as never) as Message & Record<string, unknown>;
    const part = this.#cut(message, list, limit, offset);
    const json = toJson(this.output, part.message, { alwaysEmitImplicit: true }) as Record<string, unknown>;
    return { json: this.#shape(json), total: part.total, limit, offset };
  }

  /** Cuts the list before it is written as JSON: what is not shown costs nothing. */
  #cut(
    message: Message & Record<string, unknown>,
    list: string | undefined,
    limit: number,
    offset: number,
  ): { message: Message; total: number | undefined } {
    const { pick } = this.resource;
    if (list === undefined) return { message, total: undefined };
    const holder = (pick === undefined ? message : message[pick.within]) as Record<string, unknown> | undefined;
    const all = holder?.[list];
    if (!Array.isArray(all)) return { message, total: 0 };
    const cut = { ...holder, [list]: all.slice(offset, offset + limit) };
    return { message: (pick === undefined ? cut : { ...message, [pick.within]: cut }) as Message, total: all.length };
  }

  #shape(json: Record<string, unknown>): Readonly<Record<string, unknown>> {
    const { pick, unwrap } = this.resource;
    if (unwrap !== undefined) return inner(json, unwrap);
    if (pick === undefined) return json;
    const within = inner(json, pick.within);
    return Object.fromEntries(pick.fields.map((name) => [name, within[name]]));
  }
}

function inner(json: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = json[name];
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new AgentError('NOT_FOUND', 'there is nothing to tell yet: the agent has not looked');
}

/** What the query of the resource may name. */
export function parameterNames({ parameters, list, method }: Resource): readonly string[] {
  const paging = list === undefined ? (method === 'listEntries' ? ['limit'] : []) : ['limit', 'offset'];
  return [...parameters.map(({ name }) => name), ...paging];
}
