/**
 * How a gRPC service is written here: plain functions from request to answer, or to an async iterable of answers, typed by the
 * generated descriptor. Types only; `adapter.ts` turns them into what grpc-js serves, with limits, roles and errors in one place.
 */

import type {
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Caller, Role } from '../caller.js';

/** What a handler knows of the call besides its request. */
export interface CallContext {
  /** Aborted when the caller has gone, its deadline has passed, or the agent ends. */
  readonly signal: AbortSignal;
  readonly caller: Caller;
}

type HandlerOf<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, context: CallContext) => Promise<MessageInitShape<O>> | MessageInitShape<O>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, context: CallContext) => AsyncIterable<MessageInitShape<O>>
      : never;

/** A function for each method of the service. What they throw as AgentError is told to the caller, all else is a bug. */
export type ServiceHandlers<S extends DescService> = { readonly [K in keyof S['method']]: HandlerOf<S['method'][K]> };

/** A service with who may call which of its methods; one that is not named needs `viewer`. */
export interface ServiceEntry<S extends DescService = DescService> {
  readonly service: S;
  readonly handlers: ServiceHandlers<S>;
  readonly roles?: Readonly<Partial<Record<keyof S['method'], Role>>>;
}

/** A service of any kind, for lists of them: every `ServiceEntry<S>` is one. */
export interface AnyServiceEntry {
  readonly service: DescService;
  readonly handlers: Readonly<Record<string, (request: never, context: CallContext) => unknown>>;
  readonly roles?: Readonly<Partial<Record<string, Role>>>;
}
