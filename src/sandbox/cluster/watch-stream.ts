/**
 * A watch on the wire: one JSON event per line in a chunked answer. Holds everything while the server is frozen, ends
 * clients that do not read, and misbehaves on order.
 */

import type { ServerResponse } from 'node:http';
import type { FaultyStream } from './faults.js';
import type { JsonObject } from './json.js';
import type { RequestInfo } from './request-info.js';
import type { EventKind, WatchSink } from './watch.js';

/** Serialised objects, so that many watches of one object cost one serialisation. */
const texts = new WeakMap<JsonObject, string>();

function textOf(object: JsonObject): string {
  const known = texts.get(object);
  if (known !== undefined) return known;
  const made = JSON.stringify(object);
  if (Object.isFrozen(object)) texts.set(object, made);
  return made;
}

export interface StreamOptions {
  readonly info: RequestInfo;
  readonly user: string;
  /** Bytes that may wait for a client that does not read; above it the connection is cut. */
  readonly backlogBytesMax: number;
  readonly isFrozen: () => boolean;
  /** How objects look to this client (tables, metadata alone). */
  readonly shape: (kind: EventKind, object: JsonObject) => JsonObject;
}

export class WatchStream implements WatchSink, FaultyStream {
  readonly info: RequestInfo;
  readonly user: string;
  readonly #response: ServerResponse;
  readonly #options: StreamOptions;
  #held: string[] = [];
  #heldBytes = 0;
  #isEnding = false;
  #isCutNext = false;

  constructor(response: ServerResponse, options: StreamOptions) {
    this.#response = response;
    this.#options = options;
    this.info = options.info;
    this.user = options.user;
    response.statusCode = 200;
    response.setHeader('Content-Type', 'application/json');
    response.setHeader('Cache-Control', 'no-cache, private');
    response.flushHeaders();
  }

  send(kind: EventKind, object: JsonObject): void {
    const line = `{"type":"${kind}","object":${textOf(this.#options.shape(kind, object))}}`;
    if (!this.#isCutNext) {
      this.sendLine(line);
      return;
    }
    this.#cutAfter(line.slice(0, line.length >> 1));
  }

  sendLine(text: string): void {
    if (this.#response.destroyed || this.#isEnding) return;
    if (this.#options.isFrozen()) this.#hold(`${text}\n`);
    else this.#response.write(`${text}\n`);
    this.#checkBacklog();
  }

  end(): void {
    this.#isEnding = true;
    if (!this.#options.isFrozen()) this.#response.end();
  }

  cut(isMidEvent: boolean): void {
    if (isMidEvent) this.#cutAfter('{"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metad');
    else this.#response.destroy();
  }

  cutInNextEvent(): void {
    this.#isCutNext = true;
  }

  thaw(): void {
    for (const line of this.#held) this.#response.write(line);
    this.#held = [];
    this.#heldBytes = 0;
    if (this.#isEnding) this.#response.end();
  }

  #hold(line: string): void {
    this.#held.push(line);
    this.#heldBytes += line.length;
  }

  #cutAfter(text: string): void {
    this.#isEnding = true;
    this.#response.write(text, () => this.#response.destroy());
  }

  /** A real server drops watchers whose channel is full; the client lists anew or resumes. */
  #checkBacklog(): void {
    const waiting = this.#heldBytes + this.#response.writableLength;
    if (waiting > this.#options.backlogBytesMax) this.#response.destroy();
  }
}
