/** grpc.health.v1 for the agent as a whole (`''`) and for each of its parts, by the official implementation. */

import type { Server } from '@grpc/grpc-js';

/** What is well; read when something has changed. */
export interface HealthSource {
  /** By service or part; `''` is the agent as a whole. */
  current(): ReadonlyMap<string, boolean>;
  /** Called after changes; returns how to end that. */
  onChange(listener: () => void): () => void;
}

type Told = 'SERVING' | 'NOT_SERVING' | 'UNKNOWN';

export class Health {
  readonly #tell: (name: string, status: Told) => void;
  readonly #source: HealthSource;
  readonly #told = new Map<string, Told>();
  readonly #unsubscribe: () => void;
  /** Encoded descriptors of the service, for reflection. */
  readonly descriptors: readonly Buffer[];

  private constructor(
    source: HealthSource,
    tell: (name: string, status: Told) => void,
    descriptors: readonly Buffer[],
  ) {
    this.#source = source;
    this.#tell = tell;
    this.descriptors = descriptors;
    this.#unsubscribe = source.onChange(() => this.#look());
    this.#look();
  }

  static async addTo(server: Server, source: HealthSource): Promise<Health> {
    // Its loader of proto files is not read into memory by those who serve no gRPC.
    const { HealthImplementation, service } = await import('grpc-health-check');
    const implementation = new HealthImplementation();
    implementation.addToServer(server);
    const descriptors = Object.values(service).flatMap(({ requestType }) => requestType.fileDescriptorProtos);
    return new Health(source, (name, status) => implementation.setStatus(name, status), descriptors);
  }

  /** Says that nothing is served any more. */
  close(): void {
    this.#unsubscribe();
    for (const name of this.#told.keys()) this.#say(name, 'NOT_SERVING');
  }

  #look(): void {
    const current = this.#source.current();
    for (const [name, isWell] of current) this.#say(name, isWell ? 'SERVING' : 'NOT_SERVING');
    for (const name of this.#told.keys()) {
      if (!current.has(name)) this.#say(name, 'UNKNOWN');
    }
  }

  // The implementation writes to every watcher each time, so it is told differences only.
  #say(name: string, status: Told): void {
    if (this.#told.get(name) === status) return;
    this.#told.set(name, status);
    this.#tell(name, status);
  }
}
