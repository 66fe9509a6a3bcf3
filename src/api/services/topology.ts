/** TopologyService: the topology as one answer, or as a snapshot in parts that is followed by every change in order. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import { approximateBytes } from '../../agent/topology-size.js';
import type {
  TopologyDelta,
  TopologyKind,
  TopologyObject,
  TopologyRef,
  TopologySnapshot,
  TopologySource,
} from '../../agent/topology.js';
import type { ObjectKind } from '../../gen/proto/dpu/agent/v1/common_pb.js';
import {
  type GetTopologyRequest,
  TopologyService,
  type WatchTopologyRequest,
  type WatchTopologyResponseSchema,
} from '../../gen/proto/dpu/agent/v1/topology_pb.js';
import type { Clock } from '../../lib/clock.js';
import { AgentError } from '../../lib/errors.js';
import { decodeKind, encodeRef, type RefKind } from '../encode/common.js';
import { formatResourceVersion, readResourceVersion, type VersionRefusal } from '../encode/resource-version.js';
import { encodeTopologyObject } from '../encode/topology.js';
import type { CallContext, ServiceEntry } from '../grpc/service.js';
import { RequestError } from '../request-error.js';

export interface TopologyServiceParts {
  readonly topology: TopologySource;
  /** New with each start of the process. */
  readonly instanceId: string;
  readonly clock: Clock;
}

type WatchMessage = MessageInitShape<typeof WatchTopologyResponseSchema>;
/** Undefined: all kinds. */
type Kinds = ReadonlySet<TopologyKind> | undefined;

/** Objects in a part of a snapshot. */
export const partObjectCountMax = 200;
/** Approximate bytes in a part: far below the 4 MiB that clients accept. */
const partBytesMax = 2 ** 20;
/** A watcher of some kinds only is given a version to resume from after this time, though all else changes without end, ms. */
const bookmarkMs = 30_000;

/** The service over what the agent keeps. Role of all its methods: viewer. */
export function topologyService(parts: TopologyServiceParts): ServiceEntry<typeof TopologyService> {
  const watcher = new TopologyWatcher(parts);
  return {
    service: TopologyService,
    handlers: {
      getTopology({ kinds }: GetTopologyRequest) {
        const wanted = readKinds(kinds);
        const { version, objects } = parts.topology.snapshot();
        if (version === 0n) throw notRead();
        const resourceVersion = formatResourceVersion(parts.instanceId, version);
        return { resourceVersion, objects: chosen(objects, wanted).map(encodeTopologyObject) };
      },
      watchTopology: (request, context) => watcher.watch(request, context),
    },
  };
}

function notRead(): AgentError {
  return new AgentError('NOT_CONNECTED', 'The switch has not been read since the agent was started.', {
    remedy: 'See what it waits for: dpuctl status.',
  });
}

const topologyKinds: Readonly<Record<TopologyKind, true>> = {
  bridge: true,
  port: true,
  chain: true,
  attachment: true,
  representor: true,
};

function isTopologyKind(kind: RefKind | undefined): kind is TopologyKind {
  return kind !== undefined && Object.hasOwn(topologyKinds, kind);
}

/** @throws RequestError API_INVALID for a kind that the topology does not have */
function readKinds(kinds: readonly ObjectKind[]): Kinds {
  if (kinds.length === 0) return undefined;
  const wanted = new Set<TopologyKind>();
  for (const [index, number] of kinds.entries()) {
    const kind = decodeKind(number);
    if (!isTopologyKind(kind)) {
      const description = 'allowed: BRIDGE, PORT, CHAIN, ATTACHMENT, REPRESENTOR';
      const violations = [{ field: `kinds[${index}]`, description, reason: 'API_INVALID' }];
      throw new RequestError('API_INVALID', `the topology has no objects of kind ${number}`, violations);
    }
    wanted.add(kind);
  }
  return wanted;
}

function chosen(objects: readonly TopologyObject[], kinds: Kinds): readonly TopologyObject[] {
  return kinds === undefined ? objects : objects.filter(({ ref }) => kinds.has(ref.kind));
}

function chosenRefs(refs: readonly TopologyRef[], kinds: Kinds): readonly TopologyRef[] {
  return kinds === undefined ? refs : refs.filter(({ kind }) => kinds.has(kind));
}

/** Objects in parts that fit in a message; at least one part. */
function partsOf(objects: readonly TopologyObject[]): readonly (readonly TopologyObject[])[] {
  const parts: TopologyObject[][] = [[]];
  let sizeBytes = 0;
  for (const object of objects) {
    const bytes = approximateBytes(object);
    let part = parts.at(-1) ?? [];
    if (part.length >= partObjectCountMax || (part.length > 0 && sizeBytes + bytes > partBytesMax)) {
      part = [];
      parts.push(part);
      sizeBytes = 0;
    }
    part.push(object);
    sizeBytes += bytes;
  }
  return parts;
}

const sentences: Readonly<Record<VersionRefusal | 'Expired', string>> = {
  Expired: 'The changes since that version are no longer kept.',
  OtherInstance: 'That is a version of another instance: the agent was restarted.',
  Unknown: 'That was never a version of this agent.',
};

class TopologyWatcher {
  readonly #parts: TopologyServiceParts;
  /** Of deltas for those who watch all kinds: those who keep up are told the same value, and its message is made once. */
  readonly #messages = new WeakMap<TopologyDelta, WatchMessage>();

  constructor(parts: TopologyServiceParts) {
    this.#parts = parts;
  }

  /** @throws AgentError API_EXPIRED after `start_over` */
  async *watch(request: WatchTopologyRequest, { signal }: CallContext): AsyncGenerator<WatchMessage, void, undefined> {
    const kinds = readKinds(request.kinds);
    let after: bigint;
    if (request.resourceVersion === '') {
      const snapshot = await this.#firstSnapshot(signal);
      if (snapshot === undefined) return;
      yield* this.#snapshotMessages(snapshot, kinds);
      after = snapshot.version;
    } else {
      const { topology, instanceId } = this.#parts;
      const reading = readResourceVersion(request.resourceVersion, instanceId, topology.snapshot().version);
      if (reading.kind === 'refused') {
        yield* startOver(reading.reason);
        return;
      }
      after = reading.version;
    }
    yield* this.#changes(after, kinds, signal);
  }

  /** Waits until there is something to show; undefined when the signal is aborted first. */
  async #firstSnapshot(signal: AbortSignal): Promise<TopologySnapshot | undefined> {
    const { topology } = this.#parts;
    if (topology.snapshot().version === 0n) {
      for await (const { kind } of topology.watch(0n, signal)) if (kind !== 'bookmark') break;
    }
    const snapshot = topology.snapshot();
    return snapshot.version === 0n ? undefined : snapshot;
  }

  *#snapshotMessages(snapshot: TopologySnapshot, kinds: Kinds): Generator<WatchMessage, void, undefined> {
    const resourceVersion = this.#text(snapshot.version);
    const parts = partsOf(chosen(snapshot.objects, kinds));
    for (const [index, part] of parts.entries()) {
      const isComplete = index === parts.length - 1;
      const objects = part.map(encodeTopologyObject);
      yield { event: { case: 'snapshot', value: { resourceVersion, objects, isComplete } } };
    }
  }

  async *#changes(after: bigint, kinds: Kinds, signal: AbortSignal): AsyncGenerator<WatchMessage, void, undefined> {
    const { topology, clock } = this.#parts;
    let toldMs = clock.nowMs();
    for await (const event of topology.watch(after, signal)) {
      let message: WatchMessage | undefined;
      if (event.kind === 'startOver') yield* startOver('Expired');
      else if (event.kind === 'bookmark') message = this.#bookmark(event.version);
      else {
        message = this.#delta(event, kinds);
        if (message === undefined && clock.nowMs() - toldMs >= bookmarkMs) message = this.#bookmark(event.version);
      }
      if (message === undefined) continue;
      toldMs = clock.nowMs();
      yield message;
    }
  }

  /** Undefined when none of the changes is of a kind that is asked for. */
  #delta(delta: TopologyDelta, kinds: Kinds): WatchMessage | undefined {
    if (kinds === undefined) {
      const known = this.#messages.get(delta);
      if (known !== undefined) return known;
    }
    const changed = chosen(delta.changed, kinds);
    const removed = chosenRefs(delta.removed, kinds);
    if (changed.length + removed.length === 0) return undefined;
    const value = {
      resourceVersion: this.#text(delta.version),
      changed: changed.map(encodeTopologyObject),
      removed: removed.map(encodeRef),
    };
    const message: WatchMessage = { event: { case: 'delta', value } };
    if (kinds === undefined) this.#messages.set(delta, message);
    return message;
  }

  #bookmark(version: bigint): WatchMessage {
    return { event: { case: 'bookmark', value: { resourceVersion: this.#text(version) } } };
  }

  #text(version: bigint): string {
    return formatResourceVersion(this.#parts.instanceId, version);
  }
}

function* startOver(reason: VersionRefusal | 'Expired'): Generator<WatchMessage, void, undefined> {
  const message = sentences[reason];
  yield { event: { case: 'startOver', value: { reason, message } } };
  throw new AgentError('API_EXPIRED', message, {
    facts: { reason },
    remedy: 'Watch again without a resource version: it begins with a snapshot.',
  });
}
