/**
 * Turns the services of `service.ts` into what grpc-js serves. Messages cross as bytes: decoding and encoding happen here, so
 * that a request that is none is the caller's fault and an answer that is none is a bug. Who may call is the gate's business.
 */

import { create, fromBinary, toBinary, type DescMethod, type Message } from '@bufbuild/protobuf';
import type {
  MethodDefinition,
  Server,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedHandleCall,
  sendUnaryData,
} from '@grpc/grpc-js';
import { AgentError } from '../../lib/errors.js';
import { contextOf } from './admitted.js';
import { statusOfThrown } from './errors.js';
import type { AnyServiceEntry, CallContext } from './service.js';

export type OnBug = (thrown: unknown, method: string) => void;

type Handler = (request: Message, context: CallContext) => unknown;
type Definition = MethodDefinition<Buffer, Buffer>;

const asIs = (bytes: Buffer): Buffer => bytes;

/** Path of a method in HTTP/2: `/package.Service/Method`. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function definitionOf(method: DescMethod): Definition {
  return {
    path: methodPath(method),
    requestStream: false,
    responseStream: method.methodKind === 'server_streaming',
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
    originalName: method.localName,
  };
}

/** @throws AgentError API_INVALID for bytes that are no such message; fields that this version does not know are fine */
function decode(method: DescMethod, bytes: Buffer): Message {
  try {
    return fromBinary(method.input, bytes);
  } catch (cause) {
    throw new AgentError('API_INVALID', `the request is no ${method.input.typeName}`, { cause });
  }
}

function encode(method: DescMethod, answer: unknown): Buffer {
  const message = create(method.output, answer as Message);
  const bytes = toBinary(method.output, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function contextFor(call: { readonly metadata: ServerUnaryCall<Buffer, Buffer>['metadata'] }): CallContext {
  const context = contextOf(call.metadata);
  if (context === undefined) throw new Error('a call has not passed the gate');
  return context;
}

async function answerUnary(
  method: DescMethod,
  handler: Handler,
  call: ServerUnaryCall<Buffer, Buffer>,
  respond: sendUnaryData<Buffer>,
  onBug: OnBug,
): Promise<void> {
  let isAborted = (): boolean => false;
  try {
    const context = contextFor(call);
    isAborted = () => context.signal.aborted;
    const answer = await handler(decode(method, call.request), context);
    respond(null, encode(method, answer));
  } catch (thrown) {
    // A call that has ended takes no status any more.
    if (isAborted()) tellLateBug(thrown, method, onBug);
    else respond(statusOfThrown(thrown, (bug) => onBug(bug, methodPath(method))));
  }
}

/** What is thrown after the end of a call is the end of its work, unless it is a bug. */
function tellLateBug(thrown: unknown, method: DescMethod, onBug: OnBug): void {
  if (thrown instanceof AgentError || (thrown instanceof Error && thrown.name === 'AbortError')) return;
  onBug(thrown, methodPath(method));
}

/** Resolves when the message has left for the peer, as far as its flow control lets it; false once the call has ended. */
function send(call: ServerWritableStream<Buffer, Buffer>, bytes: Buffer, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onAbort = (): void => resolve(false);
    signal.addEventListener('abort', onAbort, { once: true });
    // grpc-js calls back when HTTP/2 has taken the bytes off its buffer, which waits for the reader's window. Waiting for it
    // holds one message a stream; `drain` would hold as many as the high-water mark of 16.
    call.write(bytes, () => {
      signal.removeEventListener('abort', onAbort);
      resolve(!signal.aborted);
    });
  });
}

/** The next answer, or undefined at the end of the stream or of the call, whichever is first. */
function nextOf(
  iterator: AsyncIterator<unknown>,
  signal: AbortSignal,
): Promise<{ readonly value: unknown } | undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  // No race with one long-lived promise: it would keep a reaction for each message of a stream that lasts for days.
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
    iterator
      .next()
      .then((next) => resolve(next.done === true ? undefined : { value: next.value }), reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}

async function answerStream(
  method: DescMethod,
  handler: Handler,
  call: ServerWritableStream<Buffer, Buffer>,
  onBug: OnBug,
): Promise<void> {
  const path = methodPath(method);
  const tellBug = (thrown: unknown): void => onBug(thrown, path);
  let iterator: AsyncIterator<unknown> | undefined;
  let isAborted = (): boolean => false;
  try {
    const context = contextFor(call);
    isAborted = () => context.signal.aborted;
    iterator = (handler(decode(method, call.request), context) as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    for (;;) {
      const next = await nextOf(iterator, context.signal);
      if (next === undefined || !(await send(call, encode(method, next.value), context.signal))) break;
    }
    if (!isAborted()) call.end();
  } catch (thrown) {
    iterator = undefined;
    if (isAborted()) tellLateBug(thrown, method, onBug);
    else call.emit('error', statusOfThrown(thrown, tellBug));
  }
  // Not awaited: a generator that waits for something else returns only when that has come.
  iterator?.return?.().catch((thrown: unknown) => tellLateBug(thrown, method, onBug));
}

function implementationOf(method: DescMethod, handler: Handler, onBug: OnBug): UntypedHandleCall {
  if (method.methodKind === 'server_streaming') {
    return (call: ServerWritableStream<Buffer, Buffer>) => void answerStream(method, handler, call, onBug);
  }
  return (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) =>
    void answerUnary(method, handler, call, respond, onBug);
}

/** Adds a service to the server. Methods that stream requests are none of this API's. */
export function addService(server: Server, { service, handlers }: AnyServiceEntry, onBug: OnBug): void {
  const definitions: Record<string, Definition> = {};
  const implementations: Record<string, UntypedHandleCall> = {};
  for (const method of service.methods) {
    const handler = handlers[method.localName] as Handler | undefined;
    if (handler === undefined) throw new Error(`${methodPath(method)} has no handler`);
    definitions[method.localName] = definitionOf(method);
    implementations[method.localName] = implementationOf(method, handler, onBug);
  }
  server.addService(definitions, implementations);
}
