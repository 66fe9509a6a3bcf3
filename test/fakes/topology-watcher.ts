/**
 * One who watches the topology over gRPC and applies what it is told, as a controller would; it throws for whatever a watcher
 * must never see. It shares with the agent nothing but the published messages.
 */

import type { Client, ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import type { ObjectRef } from '../../src/gen/proto/dpu/agent/v1/common_pb.js';
import type { TopologyDelta, TopologyObject, TopologySnapshot } from '../../src/gen/proto/dpu/agent/v1/topology_pb.js';
import { type TopologyMessage, watchTopology } from './open-grpc.js';

const nameOf = (ref: ObjectRef | undefined): string => `${ref?.kind ?? '?'} ${ref?.name ?? '?'}`;

/** The number within a resource version. To a client it is opaque; a witness may look. */
function numberOf(resourceVersion: string): bigint {
  return BigInt(resourceVersion.slice(resourceVersion.lastIndexOf('.') + 1));
}

export class TopologyWatcher {
  readonly objects = new Map<string, TopologyObject>();
  readonly stream: ClientReadableStream<TopologyMessage>;
  /** The first thing that a watcher must never see. */
  failure: Error | undefined;
  /** Why it was told to start over. */
  startOver: string | undefined;
  /** gRPC status at the end. */
  endCode: number | undefined;
  messageCount = 0;
  deltaCount = 0;
  /** Objects in deltas. */
  changedCount = 0;
  isComplete = false;
  version = 0n;
  resourceVersion = '';
  /** Called with each object of a delta. */
  onChanged: (object: TopologyObject) => void = () => undefined;
  readonly #onMessage: () => void;

  /** @param before goes on where that one is, with its objects */
  constructor(client: Client, onMessage: () => void = () => undefined, before?: TopologyWatcher) {
    this.#onMessage = onMessage;
    if (before !== undefined) {
      for (const [name, object] of before.objects) this.objects.set(name, object);
      this.version = before.version;
      this.isComplete = true;
    }
    this.stream = watchTopology(client, before === undefined ? {} : { resourceVersion: before.resourceVersion });
    this.stream.on('data', (message: TopologyMessage) => this.#read(message));
    this.stream.on('error', (error: ServiceError) => {
      this.endCode = error.code;
      onMessage();
    });
  }

  /** Whether it has exactly the objects, at their versions. */
  has(versions: ReadonlyMap<string, bigint>): boolean {
    if (this.objects.size !== versions.size) return false;
    return [...versions].every(([name, version]) => this.objects.get(name)?.version === version);
  }

  #read({ event }: TopologyMessage): void {
    this.messageCount += 1;
    try {
      if (event.case === 'snapshot') this.#snapshot(event.value);
      else if (event.case === 'delta') this.#delta(event.value);
      else if (event.case === 'startOver') this.startOver = event.value.reason;
    } catch (thrown) {
      this.failure ??= thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    this.#onMessage();
  }

  #snapshot({ resourceVersion, objects, isComplete }: TopologySnapshot): void {
    if (this.isComplete) throw new Error('a part of a snapshot after the last');
    const version = numberOf(resourceVersion);
    if (this.version !== 0n && version !== this.version) throw new Error('a snapshot of two versions');
    this.#moveTo(resourceVersion);
    for (const object of objects) {
      if (this.objects.has(nameOf(object.ref))) throw new Error(`${nameOf(object.ref)} twice`);
      this.objects.set(nameOf(object.ref), object);
    }
    this.isComplete = isComplete;
  }

  #delta({ resourceVersion, changed, removed }: TopologyDelta): void {
    if (!this.isComplete) throw new Error('a delta before the snapshot was complete');
    const version = numberOf(resourceVersion);
    if (version <= this.version) throw new Error(`version ${version} after ${this.version}`);
    for (const ref of removed) this.objects.delete(nameOf(ref));
    for (const object of changed) {
      const before = this.objects.get(nameOf(object.ref))?.version ?? 0n;
      const isInOrder = object.version > before && object.version > this.version && object.version <= version;
      if (!isInOrder) throw new Error(`${nameOf(object.ref)} of version ${object.version} after ${before}`);
      this.objects.set(nameOf(object.ref), object);
      this.onChanged(object);
    }
    this.deltaCount += 1;
    this.changedCount += changed.length;
    this.#moveTo(resourceVersion);
  }

  #moveTo(resourceVersion: string): void {
    this.resourceVersion = resourceVersion;
    this.version = numberOf(resourceVersion);
  }
}
