import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { create, fromBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { errorDomain, grpcCodes, statusOfError } from '../../../src/api/grpc/errors.js';
import { RequestError } from '../../../src/api/request-error.js';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from '../../../src/gen/proto/google/rpc/error_details_pb.js';
import { StatusSchema, type Status } from '../../../src/gen/proto/google/rpc/status_pb.js';
import { AgentError, errorPolicies, type ErrorCode } from '../../../src/lib/errors.js';
import { Rig, call, failureOf, list, richStatusOf } from './rig.js';

const codes = Object.keys(errorPolicies) as ErrorCode[];

function detail<S extends DescMessage>({ details }: Status, schema: S): MessageShape<S> | undefined {
  const found = details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/${schema.typeName}`);
  return found === undefined ? undefined : anyUnpack(create(AnySchema, found), schema);
}

function statusOf(error: AgentError): Status {
  const [bytes] = statusOfError(error).metadata.get('grpc-status-details-bin');
  return fromBinary(StatusSchema, bytes as Buffer);
}

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
});

describe('an error', () => {
  it.each(codes)('%s reaches a client with its code, its facts and its remedy', async (code) => {
    const rig = await Rig.start({
      listEntries: () => {
        throw new AgentError(code, 'it went wrong', { facts: { count: 7n, nothing: undefined }, remedy: 'Mend it.' });
      },
    });
    rigs.push(rig);
    const error = await failureOf(call(rig.client(), list));
    expect(error).toMatchObject({ code: grpcCodes[code], details: 'it went wrong' });
    const told = richStatusOf(error);
    expect(told).toMatchObject({ code: grpcCodes[code], message: 'it went wrong' });
    expect(detail(told, ErrorInfoSchema)).toMatchObject({
      reason: code,
      domain: errorDomain,
      metadata: { count: '7', remedy: 'Mend it.' },
    });
    expect(detail(told, RetryInfoSchema) !== undefined).toBe(errorPolicies[code].retry === 'backoff');
  });

  it('is never told as success, or as a bug of the agent where the client can do something', () => {
    expect(codes.filter((code) => grpcCodes[code] === status.OK || grpcCodes[code] === status.UNKNOWN)).toEqual([]);
    const api = codes.filter((code) => /^(API|INTENT|NOT_FOUND)/.test(code));
    expect(api.filter((code) => grpcCodes[code] === status.INTERNAL)).toEqual([]);
  });

  it('of a request names the fields', () => {
    const violations = [{ field: 'bridges[0].name', description: 'too long', reason: 'CONFIG_INVALID' }];
    const told = statusOf(new RequestError('INTENT_INVALID', 'no', violations));
    expect(detail(told, BadRequestSchema)?.fieldViolations).toMatchObject(violations);
  });

  it('of any size fits the trailers of every client, the first fields before the others', () => {
    const text = 'ü'.repeat(2_000);
    const violations = Array.from({ length: 500 }, (_, index) => ({
      field: `${index} ${text}`,
      description: text,
      reason: 'X',
    }));
    const { metadata } = statusOfError(new RequestError('INTENT_INVALID', text, violations, { facts: { text } }));
    const [bytes] = metadata.get('grpc-status-details-bin');
    expect((bytes as Buffer).length).toBeLessThan(6_000);
    const many = statusOf(
      new RequestError(
        'INTENT_INVALID',
        'no',
        violations.map((entry) => ({ ...entry, description: 'short' })),
      ),
    );
    expect(detail(many, BadRequestSchema)?.fieldViolations[0]?.field).toMatch(/^0 /);
  });

  it('holds no control characters, and text that is no Unicode goes over the wire', async () => {
    const rig = await Rig.start({
      listEntries: () => {
        throw new AgentError('NOT_FOUND', 'no\r\ngrpc-status: 0 \ud800 ünder', { facts: { name: '\u001b[31m\ud800' } });
      },
    });
    rigs.push(rig);
    const error = await failureOf(call(rig.client(), list));
    expect(error.details).toBe('no\\u000d\\u000agrpc-status: 0 \\ud800 ünder');
    expect(detail(richStatusOf(error), ErrorInfoSchema)?.metadata['name']).toBe('\\u001b[31m\\ud800');
  });
});
