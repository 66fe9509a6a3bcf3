import { afterEach, describe, expect, it } from 'vitest';
import type { ServiceEntry } from '../../../src/api/grpc/service.js';
import { ApiWorld, podRow, portRow } from '../../fakes/api-world.js';
import { softwareFlows } from '../../fakes/offload-world.js';
import { bridgeRow } from '../../fakes/plan-rows.js';

let world = new ApiWorld();
afterEach(() => world.close());

async function json(path: string): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const answer = await world.get(path);
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
}

function putBridges(count: number): void {
  for (let index = 0; index < count; index += 1) {
    const name = `br-${String(index).padStart(3, '0')}`;
    world.put({ kind: 'bridge', observed: bridgeRow(name), mode: 'own', source: 'configuration' }, name);
  }
}

describe('the resources', () => {
  it('speak the words of the proto files', async () => {
    world = await new ApiWorld().serve();
    putBridges(1);
    const { body } = await json('/api/v1/topology');
    expect(body).toMatchObject({
      objects: [
        {
          ref: { kind: 'OBJECT_KIND_BRIDGE', name: 'br-000', bridge: '' },
          version: '1',
          bridge: { isPresent: true, mode: 'own', source: 'configuration' },
        },
      ],
    });
    expect(body['resourceVersion']).toMatch(/instance-1/);
  });

  it('come in pages that lead to one another', async () => {
    world = await new ApiWorld().serve();
    putBridges(5);
    const seen: string[] = [];
    let path: string | undefined = '/api/v1/topology?kind=bridge&limit=2';
    while (path !== undefined) {
      const { headers, body } = await json(path);
      expect(headers.get('x-total-count')).toBe('5');
      for (const { ref } of body['objects'] as { ref: { name: string } }[]) seen.push(ref.name);
      path = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
    }
    expect(seen).toEqual(['br-000', 'br-001', 'br-002', 'br-003', 'br-004']);
  });

  it('are 200 objects at most where nobody says how many', async () => {
    world = await new ApiWorld().serve();
    putBridges(201);
    const { body, headers } = await json('/api/v1/topology');
    expect(body['objects']).toHaveLength(200);
    expect(headers.get('link')).toContain('offset=200');
  });

  it('write 64-bit counters as texts, so that none loses digits', async () => {
    world = await new ApiWorld().serve();
    const row = portRow('p0', 1_700_000_000_000, 2n ** 60n + 1n);
    world.rows = [row, podRow(row, 'shop', 'web-0')];
    const { body } = await json('/api/v1/stats?kind=ports');
    expect(body['rows']).toHaveLength(2);
    expect(body).toMatchObject({ rows: [{ interface: 'p0', received: { packets: '1152921504606846977' } }, {}] });
  });

  it('tell status and findings, false and empty values too', async () => {
    world = await new ApiWorld().serve();
    const finding = {
      reason: 'NotApplied',
      object: { kind: 'bridge', name: 'br-x' },
      message: 'differs',
      claimants: [],
      remedy: 'look',
    } as const;
    world.show({ isReady: false, findings: [finding] });
    const status = await json('/api/v1/status');
    expect(status.body).toMatchObject({ isReady: false, repair: 'on', conditions: [{ reason: 'Ready' }] });
    const findings = await json('/api/v1/findings');
    expect(Object.keys(findings.body)).toEqual(['observedAt', 'findings']);
    expect(findings.body['findings']).toMatchObject([{ reason: 'NotApplied', claimants: [], remedy: 'look' }]);
  });

  it('tell the journal by its numbers', async () => {
    world = await new ApiWorld().serve();
    for (let count = 1; count <= 10; count += 1) {
      world.journal.add({
        wallMs: 1,
        summary: `s${count}`,
        details: [],
        outcome: 'applied',
        message: undefined,
        tookMs: 1,
      });
    }
    const { body } = await json('/api/v1/journal?from=3&to=5');
    expect((body['entries'] as { summary: string }[]).map(({ summary }) => summary)).toEqual(['s3', 's4', 's5']);
    const newest = await json('/api/v1/journal?limit=2');
    expect(newest.body).toMatchObject({ newestSequence: '10', entries: [{ summary: 's9' }, { summary: 's10' }] });
  });

  it('tell node, intents and offload', async () => {
    world = await new ApiWorld().serve();
    expect((await json('/api/v1/node')).body).toMatchObject({
      agent: { version: '1.2.3' },
      machine: { product: 'BlueField-3', memoryBytes: '17179869184' },
    });
    expect((await json('/api/v1/intents')).body).toEqual({ intents: [], nextPageToken: '' });
    expect((await json('/api/v1/offload/status')).body).toMatchObject({
      engine: 'ENGINE_USERSPACE',
      isConfigured: false,
    });
    expect((await json('/api/v1/offload')).body).toEqual({ rows: [], problems: [] });
    expect((await json('/api/v1/offload/flows')).body).toMatchObject({ flows: [], problems: ['no dump'] });
    world.softwareFlows = softwareFlows;
    const page = await json('/api/v1/offload/flows?reason=ct_new,other&port=pf0vf4&limit=1');
    expect(page.body['flows']).toMatchObject([{ reason: 'ct_ipv6_disabled', packets: '9000', idle: '0.400s' }]);
    expect((await json('/api/v1/offload/flows?reason=warming_up')).body).toMatchObject({ code: 'API_INVALID' });
    putBridges(1);
    expect((await json('/api/v1/chains')).body['objects']).toEqual([]);
    expect((await json('/api/v1/attachments')).body['objects']).toEqual([]);
  });

  it.each([
    ['/api/v1/topology?kind=planet', '"planet" is no kind'],
    ['/api/v1/topology?limit=0', '"limit" must be a whole number from 1 to 1000'],
    ['/api/v1/topology?limit=1001', '"limit"'],
    ['/api/v1/topology?limit=1&limit=2', '"limit"'],
    ['/api/v1/topology?offset=-1', '"offset"'],
    ['/api/v1/journal?from=x', '"from"'],
    ['/api/v1/status?watch=1', '"watch" cannot be asked'],
    ['/api/v1/topology?__proto__=1', '"__proto__" cannot be asked'],
  ])('refuse %s and say why', async (path, words) => {
    world = await new ApiWorld().serve();
    putBridges(1);
    const { status, body } = await json(path);
    expect(status).toBe(400);
    expect(body['code']).toBe('API_INVALID');
    expect(body['message']).toContain(words);
  });

  it('say so before the agent has looked', async () => {
    world = new ApiWorld();
    world.status = undefined;
    await world.serve();
    const { status, body } = await json('/api/v1/status');
    expect(status).toBe(503);
    expect(body['code']).toMatch(/^[A-Z_]+$/);
  });

  it('hide what went wrong inside, and report it', async () => {
    world = new ApiWorld();
    const services = world.services().map((entry): ServiceEntry => {
      const handlers = { ...entry.handlers, getNode: () => Promise.reject(new Error('secret detail')) };
      return { ...entry, handlers: handlers as unknown as ServiceEntry['handlers'] };
    });
    await world.serve({ services });
    const answer = await world.get('/api/v1/node');
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
    expect(world.bugs).toHaveLength(1);
  });

  it('are not there when nobody serves them', async () => {
    world = await new ApiWorld().serve({ services: [] });
    expect((await json('/api/v1/topology')).status).toBe(404);
    expect(Object.keys((await json('/api/v1/openapi.json')).body['paths'] as object)).not.toContain('/api/v1/topology');
  });
});

describe('the OpenAPI document', () => {
  interface Document {
    readonly openapi: string;
    readonly paths: Readonly<
      Record<string, { get: { responses: { '200': { content: Record<string, { schema: Schema }> } } } }>
    >;
    readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  }
  interface Schema {
    readonly $ref?: string;
    readonly type?: string;
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly required?: readonly string[];
    readonly items?: Schema;
    readonly additionalProperties?: Schema;
    readonly enum?: readonly string[];
    readonly pattern?: string;
  }

  async function document(): Promise<Document> {
    return (await (await world.get('/api/v1/openapi.json')).json()) as Document;
  }

  /** What is wrong with the value by the schema. */
  function faults(schema: Schema, value: unknown, all: Document['components']['schemas'], path: string): string[] {
    if (schema.$ref !== undefined) {
      const target = all[schema.$ref.replace('#/components/schemas/', '')];
      return target === undefined ? [`${path}: ${schema.$ref} is nowhere`] : faults(target, value, all, path);
    }
    if (schema.type === 'array') {
      if (!Array.isArray(value)) return [`${path} is no list`];
      return value.flatMap((entry, index) => faults(schema.items ?? {}, entry, all, `${path}[${index}]`));
    }
    if (schema.type === 'object') {
      if (typeof value !== 'object' || value === null) return [`${path} is no object`];
      const { properties = {}, required = [], additionalProperties } = schema;
      const missing = required.filter((name) => !(name in value)).map((name) => `${path}.${name} is missing`);
      const inner = Object.entries(value).flatMap(([name, entry]) => {
        const own = properties[name] ?? additionalProperties;
        return own === undefined ? [`${path}.${name} is unknown`] : faults(own, entry, all, `${path}.${name}`);
      });
      return [...missing, ...inner];
    }
    const type = schema.type === 'integer' ? 'number' : schema.type;
    if (typeof value !== type) return [`${path} is no ${type}`];
    if (schema.enum !== undefined && !schema.enum.includes(String(value))) return [`${path} is none of the words`];
    return schema.pattern !== undefined && !new RegExp(schema.pattern).test(String(value)) ? [`${path} differs`] : [];
  }

  it('describes every resource as it is answered', async () => {
    world = await new ApiWorld().serve();
    putBridges(2);
    const row = portRow('p0', 1_700_000_000_000);
    world.rows = [row, podRow(row, 'shop', 'web-0')];
    world.journal.add({ wallMs: 1, summary: 's', details: ['d'], outcome: 'applied', message: undefined, tookMs: 1 });
    world.show();
    const { openapi, paths, components } = await document();
    expect(openapi).toBe('3.1.0');
    const read = Object.entries(paths).filter(([path]) => path !== '/metrics' && path !== '/version');
    expect(read.length).toBeGreaterThan(12);
    for (const [path, { get }] of read) {
      const { status, body } = await json(path);
      expect(status, path).toBe(200);
      const schema = get.responses['200'].content['application/json']?.schema ?? {};
      const own = path.startsWith('/api/') ? faults(schema, body, components.schemas, path) : [];
      expect(own).toEqual([]);
    }
  });

  it('points only to schemas that it has', async () => {
    world = await new ApiWorld().serve();
    const { components, ...rest } = await document();
    const text = JSON.stringify({ components, ...rest });
    const targets = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(targets.length).toBeGreaterThan(20);
    expect(targets.filter((name) => !(name in components.schemas))).toEqual([]);
  });
});
