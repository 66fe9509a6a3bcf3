/**
 * Faults on order: refused, delayed, garbled and lost answers for the next requests that match, a frozen server, and cut
 * watches. Only decides; the HTTP front carries it out. Stopping, old data and compaction are in `ClusterApi`.
 */

import type { RequestInfo } from './request-info.js';

/** Which requests a fault is for; what is left out fits all. */
export interface FaultMatch {
  readonly verb?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly user?: string;
}

export interface FaultCount {
  /** How many matching requests it is for; 1 by default, Infinity for all until `clear`. */
  readonly times?: number;
  readonly match?: FaultMatch;
}

export interface RefuseOptions extends FaultCount {
  /** HTTP status, 400 to 599. */
  readonly status: number;
  readonly retryAfterSeconds?: number;
}

export type FaultEffect =
  | { readonly kind: 'refuse'; readonly status: number; readonly retryAfterSeconds: number | undefined }
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Carried out, but the connection is cut before the answer: the client cannot know. */
  | { readonly kind: 'loseReply' }
  /** The connection is cut and nothing is carried out. */
  | { readonly kind: 'loseRequest' }
  /** Carried out, and the answer is not JSON. */
  | { readonly kind: 'garble'; readonly text: string };

interface Rule {
  readonly effect: FaultEffect;
  readonly match: FaultMatch;
  left: number;
}

/** An open watch as faults see it. */
export interface FaultyStream {
  readonly info: RequestInfo;
  readonly user: string;
  /** Cuts the connection; with half a line of an event before it when `isMidEvent`. */
  cut(isMidEvent: boolean): void;
  /** Cuts the connection in the middle of the next event. */
  cutInNextEvent(): void;
  /** Sends a line that is no event. */
  sendLine(text: string): void;
  thaw(): void;
}

export class Faults {
  #rules: Rule[] = [];
  #waiting: (() => void)[] = [];
  #isFrozen = false;
  readonly #streams = new Set<FaultyStream>();

  /** Answers with an error status; nothing is carried out. */
  refuse(options: RefuseOptions): void {
    const { status, retryAfterSeconds } = options;
    this.#add({ kind: 'refuse', status, retryAfterSeconds }, options);
  }

  /** Handles requests late. */
  delay(options: FaultCount & { readonly delayMs: number }): void {
    this.#add({ kind: 'delay', delayMs: options.delayMs }, options);
  }

  /** Carries requests out and cuts the connection instead of answering. */
  loseReply(options: FaultCount = {}): void {
    this.#add({ kind: 'loseReply' }, options);
  }

  /** Cuts the connection without carrying the request out. */
  loseRequest(options: FaultCount = {}): void {
    this.#add({ kind: 'loseRequest' }, options);
  }

  /** Carries requests out and answers 200 with a text that is not the JSON it claims to be. */
  garble(options: FaultCount & { readonly text?: string } = {}): void {
    this.#add({ kind: 'garble', text: options.text ?? '{"kind":"Pod","apiVersion":' }, options);
  }

  /** Forgets all ordered faults (the freeze is a matter of its own). */
  clear(): void {
    this.#rules = [];
  }

  /** From now on connections are accepted and nothing is answered; open watches say nothing more. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** Goes on with everything that waited. */
  thaw(): void {
    this.#isFrozen = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
    for (const stream of this.#streams) stream.thaw();
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Resolves when the server is not frozen. */
  whenThawed(): Promise<void> {
    if (!this.#isFrozen) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Cuts the open watches that match, without an end in order. Returns how many. */
  cutWatches(options: { readonly match?: FaultMatch; readonly isMidEvent?: boolean } = {}): number {
    return this.#each(options.match, (stream) => stream.cut(options.isMidEvent ?? false));
  }

  /** The matching watches are cut in the middle of their next event. Returns how many. */
  cutWatchesInNextEvent(match?: FaultMatch): number {
    return this.#each(match, (stream) => stream.cutInNextEvent());
  }

  /** Sends a line that is no event to the matching watches. Returns how many. */
  garbleWatches(text = '{"type":"MODIFIED","object":', match?: FaultMatch): number {
    return this.#each(match, (stream) => stream.sendLine(text));
  }

  /** For the HTTP front: the faults for one request, each counted as used. */
  take(info: RequestInfo, user: string): FaultEffect[] {
    const fitting = this.#rules.filter((rule) => fits(rule.match, info, user));
    for (const rule of fitting) rule.left -= 1;
    this.#rules = this.#rules.filter((rule) => rule.left > 0);
    return fitting.map((rule) => rule.effect);
  }

  /** For the HTTP front: an open watch. Returns how to forget it. */
  addStream(stream: FaultyStream): () => void {
    this.#streams.add(stream);
    return () => this.#streams.delete(stream);
  }

  #add(effect: FaultEffect, count: FaultCount): void {
    this.#rules.push({ effect, match: count.match ?? {}, left: count.times ?? 1 });
  }

  #each(match: FaultMatch | undefined, act: (stream: FaultyStream) => void): number {
    const streams = [...this.#streams].filter((stream) => fits(match ?? {}, stream.info, stream.user));
    for (const stream of streams) act(stream);
    return streams.length;
  }
}

function fits(match: FaultMatch, info: RequestInfo, user: string): boolean {
  const facts: FaultMatch =
    info.kind === 'path'
      ? { verb: info.verb, user }
      : {
          verb: info.verb,
          resource: info.plural,
          subresource: info.subresource,
          namespace: info.namespace ?? '',
          name: info.name,
          user,
        };
  const wanted = Object.entries(match) as [keyof FaultMatch, string | undefined][];
  return wanted.every(([key, value]) => value === undefined || facts[key] === value);
}
