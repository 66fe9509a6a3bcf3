/**
 * Names of hosts to addresses, as getaddrinfo(3) of this machine has them, asked by a child: getent(1). Node asks in a thread of
 * its own, and a thread that waits for a name server that says nothing can be neither ended nor left behind: the process waits
 * for it when it ends (uv_library_shutdown, which process.exit() calls, joins the threads). A child can be killed.
 */

import { execFile, type ChildProcess } from 'node:child_process';
import { lookup as lookupInThread, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { systemErrorCode } from './errors.js';

/** Of glibc-common, libc-bin and musl-utils; by its full name, because the environment is handed on for what resolver(5) reads there. */
const getent = '/usr/bin/getent';

/** Longer than three name servers that say nothing take with the defaults of resolv.conf(5), ms. */
const answerMsMax = 60_000;

type Waiter = (error: NodeJS.ErrnoException | undefined, found: readonly LookupAddress[]) => void;

interface Question {
  readonly child: ChildProcess;
  readonly waiters: Waiter[];
}

export class HostLookup {
  readonly #file: string;
  /** By name: whoever asks for one that is being looked up gets the same answer. */
  readonly #questions = new Map<string, Question>();
  #isClosed = false;

  /** @param file the program, for tests */
  constructor(file = getent) {
    this.#file = file;
  }

  /** In the form in which sockets take it. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    const answer: Waiter = (error, found) => {
      const family = familyOf(options);
      const addresses = found.filter((entry) => family === 0 || entry.family === family);
      const [first] = addresses;
      if (error !== undefined) callback(error, [], 0);
      else if (first === undefined) callback(lookupError('ENOTFOUND', hostname), [], 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    };
    if (this.#isClosed) {
      process.nextTick(answer, lookupError('ECANCELLED', hostname), []);
      return;
    }
    const underWay = this.#questions.get(hostname);
    if (underWay !== undefined) underWay.waiters.push(answer);
    else this.#ask(hostname, answer);
  };

  /** Ends every question; whoever waits is told that it was given up. */
  close(): void {
    this.#isClosed = true;
    for (const { child } of this.#questions.values()) child.kill('SIGKILL');
  }

  #ask(hostname: string, first: Waiter): void {
    const waiters = [first];
    const done: Waiter = (error, found) => {
      this.#questions.delete(hostname);
      for (const waiter of waiters) waiter(error, found);
    };
    const instead = (): void =>
      lookupInThread(hostname, { all: true }, (error, found) => done(error ?? undefined, found));
    const limits = { timeout: answerMsMax, killSignal: 'SIGKILL', windowsHide: true } as const;
    try {
      const child = execFile(this.#file, ['ahosts', '--', hostname], limits, (error, stdout) => {
        if (error === null) done(undefined, addressesIn(stdout));
        else if (this.#isClosed) done(lookupError('ECANCELLED', hostname), []);
        // It says 2 for whatever getaddrinfo(3) says that is no address.
        else if (typeof error.code === 'number') done(lookupError('ENOTFOUND', hostname), []);
        // Not on this machine, or not to be started now.
        else if (error.syscall?.startsWith('spawn') === true) instead();
        else done(lookupError('EAI_AGAIN', hostname), []);
      });
      this.#questions.set(hostname, { child, waiters });
    } catch (error) {
      // What spawn does not report by an event: ENOMEM and others; a name with a zero byte, which is nobody's.
      if (systemErrorCode(error) === 'ERR_INVALID_ARG_VALUE') {
        process.nextTick(done, lookupError('ENOTFOUND', hostname), []);
      } else instead();
    }
  }
}

function familyOf({ family }: LookupOptions): number {
  if (family === 'IPv4') return 4;
  return family === 'IPv6' ? 6 : (family ?? 0);
}

/** `192.0.2.1       STREAM host.example`, a line for each kind of socket, in the order in which they are to be tried. */
function addressesIn(text: string): readonly LookupAddress[] {
  const words = text.split('\n').map((line) => line.split(/\s/, 1)[0] ?? '');
  return [...new Set(words)].flatMap((address) => {
    const family = isIP(address);
    return family === 0 ? [] : [{ address, family }];
  });
}

/** As Node's own: dns.lookup. */
function lookupError(code: string, hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, syscall: 'getaddrinfo', hostname });
}
