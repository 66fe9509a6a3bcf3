import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import {
  credentials,
  loadPackageDefinition,
  status,
  type Client,
  type ClientDuplexStream,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Rig } from './rig.js';

const rigs: Rig[] = [];
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const rig of rigs.splice(0)) await rig.stop();
});

async function start(...args: Parameters<typeof Rig.start>): Promise<Rig> {
  const rig = await Rig.start(...args);
  rigs.push(rig);
  return rig;
}

/** A client that is made of a proto file alone, as another program has it. */
function clientOf(rig: Rig, file: string, name: string): Client {
  const loaded = loadPackageDefinition(loadSync(file, { enums: String, keepCase: true }));
  const constructor = name
    .split('.')
    .reduce<unknown>((scope, part) => (scope as Record<string, unknown>)[part], loaded) as ServiceClientConstructor;
  const client = new constructor(`unix:${rig.socket}`, credentials.createInsecure());
  clients.push(client);
  return client;
}

interface HealthClient extends Client {
  check(request: object, callback: (error: ServiceError | null, answer?: { status: string }) => void): void;
  watch(request: object): NodeJS.EventEmitter & { cancel(): void };
}

function check(client: HealthClient, service: string): Promise<string | number> {
  return new Promise((resolve) => {
    client.check({ service }, (error, answer) => resolve(error?.code ?? answer?.status ?? 'nothing'));
  });
}

interface ReflectionClient extends Client {
  ServerReflectionInfo(): ClientDuplexStream<object, Record<string, { [key: string]: unknown }>>;
}

function ask(client: ReflectionClient, question: object): Promise<Record<string, { [key: string]: unknown }>> {
  return new Promise((resolve, reject) => {
    const call = client.ServerReflectionInfo();
    call.once('data', resolve);
    call.once('error', reject);
    call.end(question);
  });
}

const reflectionProto = join(
  dirname(createRequire(import.meta.url).resolve('@grpc/reflection')),
  '../proto/grpc/reflection/v1/reflection.proto',
);

describe('health', () => {
  it('is that of the whole and of each part, and a watcher hears of changes only', async () => {
    const parts = new Map([
      ['', false],
      ['ovsdb', true],
    ]);
    const listeners = new Set<() => void>();
    const rig = await start(
      {},
      {
        health: {
          current: () => parts,
          onChange: (listener) => {
            listeners.add(listener);
            return () => listeners.delete(listener);
          },
        },
      },
    );
    const client = clientOf(rig, protoPath, 'grpc.health.v1.Health') as HealthClient;
    expect(await Promise.all(['', 'ovsdb', 'other'].map((name) => check(client, name)))).toEqual([
      'NOT_SERVING',
      'SERVING',
      status.NOT_FOUND,
    ]);
    const seen: string[] = [];
    const watched = client.watch({ service: 'ovsdb' });
    const next = (): Promise<void> => new Promise((resolve) => watched.once('data', () => resolve()));
    watched.on('data', (answer: { status: string }) => seen.push(answer.status));
    watched.on('error', () => undefined);
    await next();
    for (const isWell of [true, true, false, false, true]) {
      parts.set('ovsdb', isWell);
      const told = seen.at(-1) === (isWell ? 'SERVING' : 'NOT_SERVING') ? Promise.resolve() : next();
      for (const listener of listeners) listener();
      await told;
    }
    expect(seen).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']);
    await rig.api.close();
    expect(listeners.size).toBe(0);
  });
});

describe('reflection', () => {
  it('tells a program that has no proto file what there is', async () => {
    const rig = await start({}, { config: { listen: [], grants: [], reflection: true } });
    const client = clientOf(rig, reflectionProto, 'grpc.reflection.v1.ServerReflection') as ReflectionClient;
    const listed = await ask(client, { list_services: '*' });
    const services = listed['list_services_response']?.['service'] as { name: string }[];
    expect(services.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['dpu.agent.v1.JournalService', 'grpc.health.v1.Health']),
    );
    const found = await ask(client, { file_containing_symbol: 'dpu.agent.v1.JournalService' });
    const files = found['file_descriptor_response']?.['file_descriptor_proto'] as Buffer[];
    expect(files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name)).toContain(
      'dpu/agent/v1/journal.proto',
    );
  });

  it('is not there unless it is configured', async () => {
    const rig = await start({});
    const client = clientOf(rig, reflectionProto, 'grpc.reflection.v1.ServerReflection') as ReflectionClient;
    await expect(ask(client, { list_services: '*' })).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
  });
});
