/** What tests of the API of the real daemon share: where it listens, and files that go with their test. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { eventually } from '../lab/daemon.js';
import { runTool, type OvsLab } from '../lab/ovs.js';

/** Where an agent listens, as it says in its log since its last start. */
export interface Addresses {
  /** For a client of gRPC. */
  readonly unix: string;
  /** `host:port`, of each TCP address of gRPC. */
  readonly tcp: readonly string[];
  /** `http://host:port`. */
  readonly http: string;
}

function parseAddresses(log: string): Addresses | undefined {
  const since = log.slice(log.lastIndexOf('"agent starts"'));
  const line = since.split('\n').find((text) => text.includes('"API listens"') && text.endsWith('}'));
  if (line === undefined) return undefined;
  const { addresses } = JSON.parse(line) as { readonly addresses: readonly string[] };
  const unix = addresses.find((text) => text.startsWith('unix:')) ?? '';
  const http = addresses.find((text) => text.startsWith('http '))?.replace('http ', 'http://') ?? '';
  return { unix, http, tcp: addresses.filter((text) => !/^unix:|^http /.test(text)) };
}

/** Waits until the agent has said where it listens; to be asked soon after a start, for the log is kept in part. */
export function addressesOf(agent: AgentProcess): Promise<Addresses> {
  return eventually(() => {
    if (agent.pid !== undefined && !isAlive(agent.pid)) throw new Error(`the agent ended:\n${agent.log}`);
    return parseAddresses(agent.log);
  }, 'the agent listens');
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The lines of an agent's log with this message. */
export function logLines(agent: AgentProcess, message: string): readonly Readonly<Record<string, unknown>>[] {
  return agent.log
    .split('\n')
    .filter((line) => line.includes(`"${message}"`) && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}

/** A directory that is removed when the test leaves its block. */
export class Folder implements AsyncDisposable {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async make(): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), 'api-')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** The flows of a bridge as ovs-ofctl prints them, without what changes by itself. */
export async function flowsOf(lab: OvsLab, bridge: string): Promise<readonly string[]> {
  const text = await runTool(lab.env, 'ovs-ofctl', [
    ...['-O', 'OpenFlow15', '--timeout=15', '--no-stats', '--names'],
    ...['dump-flows', `${lab.runDir}/${bridge}.mgmt`],
  ]);
  return text.split('\n').filter((line) => line.includes('actions='));
}

/** The words that ovs-vsctl prints, one a line, sorted. */
export async function wordsOf(lab: OvsLab, ...args: readonly string[]): Promise<readonly string[]> {
  return (await lab.vsctl(...args)).split('\n').filter(Boolean).sort();
}
