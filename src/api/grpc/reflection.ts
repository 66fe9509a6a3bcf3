/** Server reflection, by the official implementation from the descriptors that the messages were generated with. */

import { toBinary, type DescFile, type DescService } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
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

/** Adds reflection. Loaded only where it is configured: it brings a second implementation of protobuf. */
export async function addReflection(
  server: Server,
  services: readonly DescService[],
  others: readonly Buffer[],
): Promise<void> {
  const { ReflectionService } = await import('@grpc/reflection');
  const own = [...filesOf(services)].map(({ proto }) => Buffer.from(toBinary(FileDescriptorProtoSchema, proto)));
  // Only this field of a package definition is read.
  const definition: unknown = { all: { fileDescriptorProtos: [...own, ...others] } };
  new ReflectionService(definition as ConstructorParameters<typeof ReflectionService>[0]).addToServer(server);
}
