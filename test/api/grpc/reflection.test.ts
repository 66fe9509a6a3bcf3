import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, type FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';
import { withMapEntryNames } from '../../../src/api/grpc/reflection.js';

const entry = (name: string) => ({ name, options: { mapEntry: true } });
const roundTrip = (file: FileDescriptorProto): FileDescriptorProto =>
  fromBinary(FileDescriptorProtoSchema, withMapEntryNames(Buffer.from(toBinary(FileDescriptorProtoSchema, file))));

it('names the types of map entries as protoc does, so that clients in C++, Python and Go take the file', () => {
  const field = (name: string, typeName: string) => ({ name, typeName });
  const inner = { name: 'Inner', field: [field('x', '.p.Outer.Inner.X')], nestedType: [entry('X')] };
  const fields = [field('other_statuses_2', 'OtherStatuses'), field('plain', 'Inner')];
  const { messageType } = roundTrip(
    create(FileDescriptorProtoSchema, {
      package: 'p',
      messageType: [{ name: 'Outer', field: fields, nestedType: [entry('OtherStatuses'), inner] }],
    }),
  );
  const [outer] = messageType;
  expect(outer?.nestedType.map(({ name }) => name)).toEqual(['OtherStatuses2Entry', 'Inner']);
  expect(outer?.field.map(({ typeName }) => typeName)).toEqual(['.p.Outer.OtherStatuses2Entry', 'Inner']);
  expect(outer?.nestedType[1]?.field[0]?.typeName).toBe('.p.Outer.Inner.XEntry');
});
