"""A client of the agent's API that has none of its files: it asks the server for its descriptors by reflection, builds the
messages from them, and makes the calls that it was told. Needs python3-grpcio and python3-protobuf.

Usage: python3 - ADDRESS CALLS < reflect.py
CALLS is a JSON list of {"method": "pkg.Service/Method", "request": {...}, "count": N}; count is how many messages of a stream to
read before it is cancelled. Prints one JSON object: {"services": [...], "answers": [{"messages": [...]} | {"code", "details"}]}.
"""
import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

DEADLINE_S = 20
FIELD = descriptor_pb2.FieldDescriptorProto


def message_class(descriptor):
    """The class of a message; protobuf has changed how to get it."""
    if hasattr(message_factory, 'GetMessageClass'):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory().GetPrototype(descriptor)


def reflection_file(version):
    """grpc/reflection/v1/reflection.proto by hand, as far as it is needed; v1alpha has the same numbers."""
    package = 'grpc.reflection.' + version
    file = descriptor_pb2.FileDescriptorProto(name=package + '.proto', package=package, syntax='proto3')

    def add(name, *fields):
        message = file.message_type.add(name=name)
        for field, number, kind, extra in fields:
            added = message.field.add(name=field, number=number, type=kind,
                                      label=extra.get('label', FIELD.LABEL_OPTIONAL))
            if 'of' in extra:
                added.type_name = extra['of']

    many = {'label': FIELD.LABEL_REPEATED}
    add('ServerReflectionRequest', ('file_by_filename', 3, FIELD.TYPE_STRING, {}),
        ('file_containing_symbol', 4, FIELD.TYPE_STRING, {}), ('list_services', 7, FIELD.TYPE_STRING, {}))
    add('FileDescriptorResponse', ('file_descriptor_proto', 1, FIELD.TYPE_BYTES, many))
    add('ServiceResponse', ('name', 1, FIELD.TYPE_STRING, {}))
    add('ListServiceResponse', ('service', 1, FIELD.TYPE_MESSAGE, {**many, 'of': '.%s.ServiceResponse' % package}))
    add('ErrorResponse', ('error_code', 1, FIELD.TYPE_INT32, {}), ('error_message', 2, FIELD.TYPE_STRING, {}))
    add('ServerReflectionResponse',
        ('file_descriptor_response', 4, FIELD.TYPE_MESSAGE, {'of': '.%s.FileDescriptorResponse' % package}),
        ('list_services_response', 6, FIELD.TYPE_MESSAGE, {'of': '.%s.ListServiceResponse' % package}),
        ('error_response', 7, FIELD.TYPE_MESSAGE, {'of': '.%s.ErrorResponse' % package}))
    return file


class Reflection:
    def __init__(self, channel, version):
        pool = descriptor_pool.DescriptorPool()
        pool.Add(reflection_file(version))
        package = 'grpc.reflection.' + version
        self.request = message_class(pool.FindMessageTypeByName(package + '.ServerReflectionRequest'))
        response = message_class(pool.FindMessageTypeByName(package + '.ServerReflectionResponse'))
        self.ask_stream = channel.stream_stream(
            '/%s.ServerReflection/ServerReflectionInfo' % package,
            request_serializer=lambda message: message.SerializeToString(), response_deserializer=response.FromString)
        self.files = {}
        self.pool = descriptor_pool.DescriptorPool()

    def ask(self, **what):
        # A field of proto3 that is empty is not sent, and then nothing was asked.
        [answer] = list(self.ask_stream(iter([self.request(**what)]), timeout=DEADLINE_S))
        if answer.HasField('error_response'):
            raise RuntimeError('reflection: %s' % answer.error_response.error_message)
        return answer

    def services(self):
        return sorted(service.name for service in self.ask(list_services='*').list_services_response.service)

    def service(self, name):
        self.learn(self.ask(file_containing_symbol=name))
        for file in list(self.files):
            self.add(file)
        return self.pool.FindServiceByName(name)

    def learn(self, answer):
        for encoded in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(encoded)
            self.files.setdefault(file.name, (file, []))

    def add(self, name):
        """Adds a file after all that it imports."""
        if name not in self.files:
            self.learn(self.ask(file_by_filename=name))
        file, added = self.files[name]
        if added:
            return
        added.append(True)
        for imported in file.dependency:
            self.add(imported)
        self.pool.Add(file)


def make_call(channel, reflection, method_name, request, count):
    service_name, name = method_name.split('/')
    method = reflection.service(service_name).methods_by_name[name]
    message = json_format.ParseDict(request, message_class(method.input_type)(), descriptor_pool=reflection.pool)
    codec = {'request_serializer': lambda value: value.SerializeToString(),
             'response_deserializer': message_class(method.output_type).FromString}
    shown = lambda value: json_format.MessageToDict(value, descriptor_pool=reflection.pool)
    path = '/' + method_name
    try:
        if count is None:
            return {'messages': [shown(channel.unary_unary(path, **codec)(message, timeout=DEADLINE_S))]}
        stream = channel.unary_stream(path, **codec)(message, timeout=DEADLINE_S)
        messages = []
        for value in stream:
            messages.append(shown(value))
            if len(messages) >= count:
                break
        stream.cancel()
        return {'messages': messages}
    except grpc.RpcError as error:
        return {'code': error.code().name, 'details': error.details()}


def main():
    address, calls = sys.argv[1], json.loads(sys.argv[2])
    options = [('grpc.enable_http_proxy', 0)]
    with grpc.insecure_channel(address, options=options) as channel:
        versions = {}
        for version in ('v1', 'v1alpha'):
            try:
                versions[version] = Reflection(channel, version)
                services = versions[version].services()
                break
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNIMPLEMENTED:
                    print(json.dumps({'services': [], 'answers': [], 'code': error.code().name, 'details': error.details()}))
                    return
        reflection = versions[version]
        answers = [make_call(channel, reflection, call['method'], call.get('request', {}), call.get('count'))
                   for call in calls]
    print(json.dumps({'version': version, 'services': services, 'answers': answers}))


main()
