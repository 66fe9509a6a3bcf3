/** Server reflection, by the official implementation from the descriptors that the messages were generated with. */

import { fromBinary, toBinary, type DescFile, type DescService } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, type DescriptorProto } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';

/** The files of the services and all that they import, each once. */
function filesOf(services: readonly DescService[]): ReadonlySet<DescFile> {
  const files = new Set<DescFile>();
  const visit = (file: DescFile): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const dependency of file.dependencies) visit(dependency);
  };
  for (const { file } of services) visit(file);
  return files;
}

/** `other_statuses` gives `OtherStatusesEntry` (MapEntryName in protoc's parser.cc). */
function mapEntryName(field: string): string {
  return `${field.replace(/(?:^|_)([a-z0-9]?)/g, (_all, letter: string) => letter.toUpperCase())}Entry`;
}

function nameMapEntries(message: DescriptorProto, path: string): void {
  for (const nested of message.nestedType) {
    const nestedPath = `${path}.${nested.name}`;
    nameMapEntries(nested, nestedPath);
    const field = message.field.find(({ typeName }) => typeName === nested.name || typeName === nestedPath);
    if (nested.options?.mapEntry !== true || field === undefined) continue;
    nested.name = mapEntryName(field.name);
    field.typeName = `${path}.${nested.name}`;
  }
}

/**
 * A file as protoc would describe it. protobufjs, from which the health service has its descriptor, names the type of a map's
 * entries after the field alone; C++, Python and Go refuse a file with such a name, and with it the whole service.
 */
export function withMapEntryNames(encoded: Buffer): Buffer {
  const file = fromBinary(FileDescriptorProtoSchema, encoded);
  for (const message of file.messageType) nameMapEntries(message, `.${file.package}.${message.name}`);
  return Buffer.from(toBinary(FileDescriptorProtoSchema, file));
}

/** Adds reflection. Loaded only where it is configured: it brings a second implementation of protobuf. */
export async function addReflection(
  server: Server,
  services: readonly DescService[],
  others: readonly Buffer[],
): Promise<void> {
  const { ReflectionService } = await import('@grpc/reflection');
  const own = [...filesOf(services)].map(({ proto }) => Buffer.from(toBinary(FileDescriptorProtoSchema, proto)));
  // Only this field of a package definition is read.
  const definition: unknown = { all: { fileDescriptorProtos: [...own, ...others.map(withMapEntryNames)] } };
  new ReflectionService(definition as ConstructorParameters<typeof ReflectionService>[0]).addToServer(server);
}
