/**
 * The commands of one reading of ovs-vswitchd: what a missing or refused one means, what each took, and that all of them were
 * answered by the same process. A lost connection, a deadline and an abort end the reading.
 */

import { AgentError } from '../lib/errors.js';
import { known, unknown, type Fact } from '../model/fact.js';
import type { Incarnation as SessionLife, LineStream, UnixctlSession } from '../unixctl/index.js';
import { orGivenUp } from './switch-turns.js';

/** What came of a command. */
export type Told =
  | { readonly kind: 'text'; readonly text: string }
  /** The daemon has the command and says no; its words, bounded and escaped. */
  | { readonly kind: 'refused'; readonly words: string }
  | { readonly kind: 'absent'; readonly why: string };

/** Round trips and transfers, ms. */
export interface AskedCost {
  readonly mainThreadMs: number;
  readonly roundTripMs: number;
}

export class SwitchAsker {
  readonly life: SessionLife;
  readonly signal: AbortSignal;
  readonly #session: UnixctlSession;
  readonly #commands: ReadonlySet<string>;
  #mainThreadMs = 0;
  #roundTripMs = 0;

  private constructor(session: UnixctlSession, signal: AbortSignal, life: SessionLife, commands: ReadonlySet<string>) {
    this.#session = session;
    this.#commands = commands;
    this.signal = signal;
    this.life = life;
  }

  /**
   * Meets the daemon that runs now.
   * @throws AgentError what `UnixctlSession.commands` throws, ABORTED
   */
  static async meet(session: UnixctlSession, signal: AbortSignal): Promise<SwitchAsker> {
    const commands = await orGivenUp(session.commands(), signal);
    const life = session.incarnation;
    if (life === undefined) throw new AgentError('NOT_CONNECTED', 'ovs-vswitchd has not been reached');
    return new SwitchAsker(session, signal, life, commands);
  }

  has(command: string): boolean {
    return this.#commands.has(command);
  }

  /** @throws AgentError for whatever ends the reading, UNIXCTL_REFUSED never */
  async ask(command: string, args: readonly string[] = []): Promise<Told> {
    if (!this.has(command)) return { kind: 'absent', why: absentWhy(command) };
    try {
      const { text, roundTripMs, transferMs } = await this.#session.ask(command, args, { signal: this.signal });
      this.#count(roundTripMs, transferMs);
      return { kind: 'text', text };
    } catch (error) {
      return { kind: 'refused', words: refusalOf(error) };
    }
  }

  /** As `ask`, as a fact. @param make of the text */
  async fact<T>(command: string, args: readonly string[], make: (text: string) => Fact<T>): Promise<Fact<T>> {
    return factOf(command, await this.ask(command, args), make);
  }

  /**
   * The lines of a long answer in portions, each in its own turn of the event loop. The command must be one that the daemon has.
   * @throws AgentError as `ask`, and UNIXCTL_REFUSED
   */
  async *batches(command: string, args: readonly string[]): AsyncGenerator<readonly string[], void, undefined> {
    const stream: LineStream = this.#session.stream(command, args, { signal: this.signal });
    for await (const lines of stream.batches()) {
      yield lines;
      // Portions come while the socket is being read, up to 32 in one turn of the loop: everything else would wait for all.
      await nextTurn();
    }
    if (stream.facts !== undefined) this.#count(stream.facts.roundTripMs, stream.facts.transferMs);
  }

  /** @throws AgentError CONNECTION_LOST when another process has answered since: its numbers are not to be mixed in */
  mustBeOneLife(): void {
    if (this.#session.incarnation?.number === this.life.number) return;
    throw new AgentError('CONNECTION_LOST', 'ovs-vswitchd was started anew while it was read');
  }

  get cost(): AskedCost {
    return { mainThreadMs: this.#mainThreadMs, roundTripMs: this.#roundTripMs };
  }

  #count(roundTripMs: number, transferMs: number): void {
    this.#mainThreadMs += roundTripMs + transferMs;
    this.#roundTripMs = Math.max(this.#roundTripMs, roundTripMs);
  }
}

/** What a command told, as a fact. */
export function factOf<T>(command: string, told: Told, make: (text: string) => Fact<T>): Fact<T> {
  switch (told.kind) {
    case 'text':
      return make(told.text);
    case 'refused':
      return unknown(refusedWhy(command, told.words));
    case 'absent':
      return unknown(told.why);
  }
}

/** Why nothing was asked. */
export function absentWhy(command: string): string {
  return `ovs-vswitchd has no command ${command}`;
}

/** Why a command told nothing. */
export function refusedWhy(command: string, words: string): string {
  return words === '' ? `${command} was refused` : `${command} was refused: ${words}`;
}

/** A value that a parser may not have found. */
export function found<T>(value: T | undefined, why: string): Fact<T> {
  return value === undefined ? unknown(why) : known(value);
}

/** The words of a refusal. Anything else is thrown on. */
export function refusalOf(error: unknown): string {
  if (error instanceof AgentError && error.code === 'UNIXCTL_REFUSED') return error.message;
  throw error;
}

/** Lets everything else that is ready have its turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
