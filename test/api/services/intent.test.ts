import { create, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { IntentStatus } from '../../../src/agent/intent-desk-types.js';
import type { Caller } from '../../../src/api/caller.js';
import type { CallContext } from '../../../src/api/grpc/service.js';
import { RequestError } from '../../../src/api/request-error.js';
import { intentService } from '../../../src/api/services/intent.js';
import {
  ApplyRequestSchema,
  BridgeMode,
  DeleteRequestSchema,
  IntentServiceWatchStatusRequestSchema,
  type IntentServiceWatchStatusResponseSchema,
  IntentStatus_Phase,
  ListRequestSchema,
  PortKind,
  VlanMode,
} from '../../../src/gen/proto/dpu/agent/v1/intent_pb.js';
import { AgentError } from '../../../src/lib/errors.js';
import { FakeIntentDesk } from '../../fakes/intent-desk.js';

const operator: Caller = { identity: 'uid 0', roles: new Set(['operator']), owners: undefined };
const fleet: Caller = { identity: 'spiffe://fleet/c', roles: new Set(['controller']), owners: new Set(['fleet']) };
const viewer: Caller = { identity: 'cn:eye', roles: new Set(['viewer']), owners: undefined };

const contextOf = (caller: Caller, signal = new AbortController().signal): CallContext => ({ caller, signal });

function service() {
  const desk = new FakeIntentDesk();
  const { handlers, roles } = intentService(desk);
  const apply = async (init: MessageInitShape<typeof ApplyRequestSchema>, caller = operator) =>
    handlers.apply(create(ApplyRequestSchema, init), contextOf(caller));
  const remove = async (init: MessageInitShape<typeof DeleteRequestSchema>, caller = operator) =>
    handlers.delete(create(DeleteRequestSchema, init), contextOf(caller));
  return { desk, handlers, roles, apply, remove };
}

async function refusalOf(call: Promise<unknown>): Promise<RequestError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof RequestError) return error;
  throw new Error('it was not refused as a request', { cause: error });
}

const whole = { owner: 'fleet', generation: 1n, bundle: { bridges: [{ name: 'br-x' }] } };

describe('Apply', () => {
  it('hands the bundle to the desk in the words of the configuration, with the identity of the caller', async () => {
    const { desk, apply } = service();
    const port = { name: 'p0', kind: PortKind.INTERNAL, vlan: { tag: 3, mode: VlanMode.NATIVE_UNTAGGED } };
    const bridges = [{ name: 'br-x', mode: BridgeMode.OWN, ports: [port] }];
    const response = await apply({ owner: 'fleet', generation: 7n, idempotencyKey: 'k', bundle: { bridges } }, fleet);
    expect(desk.requests).toMatchObject([
      {
        owner: 'fleet',
        generation: 7n,
        idempotencyKey: 'k',
        bundle: {
          bridges: [
            {
              name: 'br-x',
              mode: 'own',
              ports: [{ name: 'p0', kind: 'internal', vlan: { tag: 3, mode: 'native-untagged' } }],
            },
          ],
          ports: [],
          chains: [],
          attachments: [],
        },
        isDryRun: false,
        actor: 'spiffe://fleet/c',
      },
    ]);
    expect(response.status).toMatchObject({ owner: 'fleet', generation: 7n, phase: IntentStatus_Phase.ACCEPTED });
    expect(response.plan).toBeUndefined();
  });

  it('answers a dry run with the plan', async () => {
    const { desk, apply } = service();
    const { plan } = await apply({ ...whole, isDryRun: true });
    expect(plan?.changes).toMatchObject([{ summary: 'create bridge br-x', differences: ['fail_mode: secure'] }]);
    expect(desk.stored.size).toBe(0);
  });

  it.each([
    ['a viewer', viewer],
    ['the controller of another owner', { ...fleet, owners: new Set(['other']) }],
  ])('refuses %s, for a dry run too', async (_who, caller) => {
    const { desk, apply } = service();
    await expect(apply(whole, caller)).rejects.toMatchObject({ code: 'API_FORBIDDEN' });
    await expect(apply({ ...whole, isDryRun: true }, caller)).rejects.toMatchObject({ code: 'API_FORBIDDEN' });
    expect(desk.requests).toEqual([]);
  });

  it.each([
    ['owner', { ...whole, owner: 'Fleet/1' }],
    ['owner', { ...whole, owner: '' }],
    ['generation', { ...whole, generation: 0n }],
    ['idempotency_key', { ...whole, idempotencyKey: 'x'.repeat(129) }],
    ['idempotency_key', { ...whole, idempotencyKey: 'line\nbreak' }],
    ['bundle', { owner: 'fleet', generation: 1n }],
  ])('names the field %s that is wrong with the request', async (field, init) => {
    const { desk, apply } = service();
    const { code, violations } = await refusalOf(apply(init));
    expect({ code, fields: violations.map((entry) => entry.field) }).toEqual({ code: 'API_INVALID', fields: [field] });
    expect(desk.requests).toEqual([]);
  });

  it('takes a bundle that was given and is empty', async () => {
    const { desk, apply } = service();
    await apply({ owner: 'fleet', generation: 1n, bundle: {} });
    expect(desk.requests[0]?.bundle).toEqual({ bridges: [], ports: [], chains: [], attachments: [] });
  });

  it('refuses a bundle of too many objects before the desk sees it', async () => {
    const { desk, apply } = service();
    const ports = Array.from({ length: 8_193 }, (_, index) => ({ name: `p${index}` }));
    await expect(apply({ ...whole, bundle: { ports } })).rejects.toMatchObject({ code: 'INTENT_LIMIT' });
    expect(desk.requests).toEqual([]);
  });

  it('tells violations by field, with what is allowed and what to do', async () => {
    const { desk, apply } = service();
    const field = 'bridges[0].mtu';
    desk.answer = { kind: 'invalid', violations: [{ field, message: '1 is too small.', remedy: 'Take 1500.' }] };
    const { code, message, violations } = await refusalOf(apply(whole));
    expect({ code, message, violations }).toEqual({
      code: 'INTENT_INVALID',
      message: 'the bundle is not valid: bridges[0].mtu: 1 is too small. Take 1500.',
      violations: [{ field, description: '1 is too small. Take 1500.', reason: 'INTENT_INVALID' }],
    });
  });

  it('tells at most 32 violations, and how many there are', async () => {
    const { desk, apply } = service();
    const violations = Array.from({ length: 500 }, (_, index) => ({
      field: `ports[${index}].name`,
      message: 'x'.repeat(1_000),
      remedy: undefined,
    }));
    desk.answer = { kind: 'invalid', violations };
    const refused = await refusalOf(apply(whole));
    expect(refused.violations).toHaveLength(32);
    expect(Math.max(...refused.violations.map(({ description }) => description.length))).toBeLessThan(310);
    expect(refused.message).toContain('(and 499 more)');
  });

  it('names both sides of a conflict', async () => {
    const { desk, apply } = service();
    const object = { kind: 'bridge', name: 'br-x' } as const;
    const message = 'bridge br-x is wanted by fleet too';
    desk.answer = { kind: 'conflict', conflicts: [{ field: 'bridges[0]', object, holder: 'configuration', message }] };
    const { code, violations } = await refusalOf(apply(whole));
    expect(code).toBe('INTENT_CONFLICT');
    expect(violations).toEqual([
      { field: 'bridges[0]', description: `${message} (configuration)`, reason: 'INTENT_CONFLICT' },
    ]);
  });

  it('lets through what the desk throws', async () => {
    const { apply } = service();
    await apply(whole);
    await expect(apply({ ...whole, bundle: {} })).rejects.toMatchObject({ code: 'INTENT_GENERATION' });
  });
});

describe('Get, List and Delete', () => {
  it('show a bundle as it was sent', async () => {
    const { apply, handlers } = service();
    await apply(whole);
    const { intents } = await handlers.list(create(ListRequestSchema), contextOf(viewer));
    expect(intents).toMatchObject([{ owner: 'fleet', generation: 1n, actor: 'uid 0', status: { owner: 'fleet' } }]);
    expect(intents?.[0]?.bundle?.bridges).toMatchObject([{ name: 'br-x' }]);
  });

  it('say that an owner has none', async () => {
    const { handlers, remove } = service();
    expect(() => handlers.get({ owner: 'nobody' } as never, contextOf(viewer))).toThrow(AgentError);
    await expect(remove({ owner: 'nobody' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(remove({ owner: 'nobody', allowMissing: true })).resolves.toEqual({ wasPresent: false });
  });

  it('forget a bundle, of the generation that was named', async () => {
    const { desk, apply, remove } = service();
    await apply(whole);
    await expect(remove({ owner: 'fleet', generation: 9n })).rejects.toMatchObject({ code: 'INTENT_GENERATION' });
    await expect(remove({ owner: 'fleet' }, viewer)).rejects.toMatchObject({ code: 'API_FORBIDDEN' });
    await expect(remove({ owner: 'fleet', generation: 1n }, fleet)).resolves.toEqual({ wasPresent: true });
    expect(desk.stored.size).toBe(0);
  });

  it('need the role of a controller to write, and of a viewer to read', () => {
    expect(service().roles).toEqual({ apply: 'controller', delete: 'controller' });
  });
});

type Message = MessageInitShape<typeof IntentServiceWatchStatusResponseSchema>;
type Request = MessageInitShape<typeof IntentServiceWatchStatusRequestSchema>;

describe('WatchStatus', () => {
  const statusAt = (generation: bigint, phase: IntentStatus['phase'], wallMs = 0): IntentStatus => ({
    owner: 'fleet',
    generation,
    phase,
    conditions: [],
    findings: [],
    wallMs,
  });

  function watch(desk: FakeIntentDesk, caller: Caller, init: Request = { owner: 'fleet' }) {
    const abort = new AbortController();
    const request: MessageShape<typeof IntentServiceWatchStatusRequestSchema> = create(
      IntentServiceWatchStatusRequestSchema,
      init,
    );
    const stream = intentService(desk).handlers.watchStatus(request, contextOf(caller, abort.signal));
    const iterator: AsyncIterator<Message> = stream[Symbol.asyncIterator]();
    const next = async (): Promise<Message | undefined> => {
      const { value, done } = (await iterator.next()) as IteratorResult<Message, undefined>;
      return done === true ? undefined : value;
    };
    return { abort, next };
  }

  it('tells the status now, and when it differs in more than its time', async () => {
    const desk = new FakeIntentDesk();
    const { next, abort } = watch(desk, viewer);
    expect((await next())?.status).toEqual({ owner: 'fleet' });
    desk.show(statusAt(1n, 'accepted'));
    expect((await next())?.status).toMatchObject({ generation: 1n, phase: IntentStatus_Phase.ACCEPTED });
    const third = next();
    desk.show(statusAt(1n, 'accepted', 5_000));
    desk.show(statusAt(1n, 'ready', 6_000));
    expect((await third)?.status).toMatchObject({ phase: IntentStatus_Phase.READY });
    abort.abort();
    expect(await next()).toBeUndefined();
    expect(desk.listenerCount).toBe(0);
  });

  it('tells a slow reader the newest only', async () => {
    const desk = new FakeIntentDesk();
    const { next } = watch(desk, viewer);
    await next();
    for (let generation = 1n; generation <= 100n; generation += 1n) desk.show(statusAt(generation, 'accepted'));
    expect((await next())?.status).toMatchObject({ generation: 100n });
  });

  it.each([
    ['a controller of the owner', fleet, { isController: true }, 1],
    ['one that only looks', fleet, {}, 0],
    ['a viewer', viewer, {}, 0],
    ['the controller of another owner', { ...fleet, owners: new Set(['other']) }, {}, 0],
  ])('holds the owner present for %s as it should', async (_who, caller, more, count) => {
    const desk = new FakeIntentDesk();
    const { next, abort } = watch(desk, caller, { owner: 'fleet', ...more });
    await next();
    expect(desk.presences.get('fleet') ?? 0).toBe(count);
    const last = next();
    abort.abort();
    expect(await last).toBeUndefined();
    expect(desk.presences.get('fleet') ?? 0).toBe(0);
  });

  it.each([
    ['a viewer', viewer],
    ['the controller of another owner', { ...fleet, owners: new Set(['other']) }],
  ])('does not take %s for the controller', async (_who, caller) => {
    const desk = new FakeIntentDesk();
    const asked = async () => watch(desk, caller, { owner: 'fleet', isController: true }).next();
    await expect(asked()).rejects.toMatchObject({ code: 'API_FORBIDDEN' });
    expect(desk.presences.get('fleet') ?? 0).toBe(0);
  });
});

describe('List', () => {
  it('comes in pages, which hold fewer where the bundles are large', async () => {
    const { desk, handlers } = service();
    const pad = (bytes: number) => [{ name: 'br-x', externalIds: { pad: 'x'.repeat(bytes) } }];
    const sizes = [1, 3_000_000, 3_000_000, 5_000_000, 1];
    sizes.forEach((size, index) => {
      const bundle = { bridges: pad(size), ports: [], chains: [], attachments: [] };
      desk.stored.set(`o${index}`, { owner: `o${index}`, generation: 1n, acceptedWallMs: 1, actor: 'uid:0', bundle });
    });
    const page = async (pageSize: number, pageToken: string) => {
      const context = { caller: viewer, signal: new AbortController().signal };
      const answer = await handlers.list(create(ListRequestSchema, { pageSize, pageToken }), context);
      return [(answer.intents ?? []).map(({ owner }) => owner), answer.nextPageToken ?? ''];
    };
    expect(await page(0, '')).toEqual([['o0', 'o1'], 'o1']);
    expect(await page(0, 'o1')).toEqual([['o2'], 'o2']);
    expect(await page(0, 'o2')).toEqual([['o3'], 'o3']);
    expect(await page(0, 'o3')).toEqual([['o4'], '']);
    expect(await page(1, '')).toEqual([['o0'], 'o0']);
    await expect(page(65, '')).rejects.toMatchObject({ code: 'API_INVALID' });
  });
});
