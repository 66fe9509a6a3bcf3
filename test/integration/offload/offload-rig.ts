/**
 * What the tests of offload stand on: a private Open vSwitch with or without the hand of OVS-DOCA, the agent as the process that
 * it is in production, and its API as one asks it. Witnesses of what is true are ovs-vsctl, ovs-appctl and ovsdb-tool.
 */

import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type ApiConnection } from '../../../src/cli/api-client.js';
import { JournalService, type JournalEntry } from '../../../src/gen/proto/dpu/agent/v1/journal_pb.js';
import {
  OffloadService,
  OffloadSetting_Verdict as Verdict,
  type ListSoftwareFlowsResponse,
  type OffloadFinding,
  type OffloadRow,
  type OffloadSetting,
  type OffloadStatus,
} from '../../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import { systemClock } from '../../../src/lib/clock.js';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { replaceFile, Rig, type ConfigInput } from '../agent/rig.js';
import { eventually } from '../lab/daemon.js';
import { DocaHand, writeDocaSchema } from '../lab/doca.js';
import { makeLabDir, removeLabDir, type OvsLab, type OvsLabOptions } from '../lab/ovs.js';

export { Verdict };

/**
 * The cheap questions are asked every ten seconds, a restart of ovs-vswitchd is seen with the next of them, and what is left in
 * the database of the one before is believed of a new one once it is ten seconds old.
 */
const roundMsMax = 60_000;

/** The agent's answers about offload, over its own socket. */
export class OffloadApi implements Disposable {
  readonly #connection: ApiConnection;
  readonly #agent: Pick<AgentProcess, 'socket' | 'log'>;

  constructor(agent: Pick<AgentProcess, 'socket' | 'log'>) {
    this.#agent = agent;
    this.#connection = connect({ kind: 'unix', path: agent.socket }, { clock: systemClock, redialMsMax: 20 });
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async status(): Promise<OffloadStatus> {
    const { status } = await this.#connection.service(OffloadService).getOffloadStatus({});
    if (status === undefined) throw new Error('an answer without a status');
    return status;
  }

  async rows(): Promise<readonly OffloadRow[]> {
    return (await this.#connection.service(OffloadService).listOffload({})).rows;
  }

  softwareFlows(question: {
    readonly ports?: string[];
    readonly countMax?: number;
    readonly withRules?: boolean;
    /** How old a dump may be, ms. */
    readonly ageMsMax?: number;
  }): Promise<ListSoftwareFlowsResponse> {
    const { ageMsMax, ...rest } = question;
    const ageMax = ageMsMax === undefined ? {} : { ageMax: { seconds: BigInt(Math.floor(ageMsMax / 1000)), nanos: 0 } };
    return this.#connection.service(OffloadService).listSoftwareFlows({ ...rest, ...ageMax });
  }

  /** The newest entries of the journal, oldest first. */
  async journal(): Promise<readonly JournalEntry[]> {
    return (await this.#connection.service(JournalService).listEntries({ pageSize: 200 })).entries;
  }

  /** Waits until what is said of offload satisfies `test`. */
  async until(test: (status: OffloadStatus) => boolean, what: string, waitMsMax = roundMsMax): Promise<OffloadStatus> {
    let last: OffloadStatus | undefined;
    try {
      return await eventually(
        async () => {
          last = await this.status();
          return test(last) ? last : undefined;
        },
        `the agent says: ${what}`,
        waitMsMax,
      );
    } catch (cause) {
      throw new Error(`never: ${what}; last: ${describe(last)}\n${this.#agent.log.slice(-2_000)}`, { cause });
    }
  }

  /** Waits until ovs-vswitchd was asked `count` times more. */
  async looks(count: number): Promise<void> {
    const readings = (status: OffloadStatus): bigint => measurementOf(status, 'quick')?.readings ?? 0n;
    const wanted = readings(await this.status()) + BigInt(count);
    await this.until((status) => readings(status) >= wanted, `it has looked ${count} times more`);
  }

  /** Waits until a row satisfies `test`. */
  async untilRow(
    key: string,
    test: (row: OffloadRow) => boolean,
    what: string,
    waitMsMax = roundMsMax,
  ): Promise<OffloadRow> {
    let last: OffloadRow | undefined;
    try {
      return await eventually(
        async () => {
          last = (await this.rows()).find((row) => row.key === key);
          return last !== undefined && test(last) ? last : undefined;
        },
        `${key}: ${what}`,
        waitMsMax,
      );
    } catch (cause) {
      throw new Error(`never: ${key} ${what}; last: ${last?.reason ?? 'no such row'} ${last?.message ?? ''}`, {
        cause,
      });
    }
  }
}

/** Shortly, for whoever waits in vain. */
function describe(status: OffloadStatus | undefined): string {
  const { supervision, waiting, engine } = status ?? {};
  const settings = supervision?.settings.map(({ key, verdict }) => `${key}=${Verdict[verdict]}`).join(' ') ?? 'none';
  const findings = supervision?.findings.map(({ reason }) => reason).join(' ') ?? 'none';
  const reads = supervision?.measurements.map(({ name, readings, problem }) => `${name}:${readings} ${problem}`);
  return `engine ${engine} waiting "${waiting}" settings ${settings} findings ${findings} ${reads?.join('; ') ?? ''}`;
}

export const settingOf = ({ supervision }: OffloadStatus, key: string): OffloadSetting | undefined =>
  supervision?.settings.find((setting) => setting.key === key);

export const verdictOf = (status: OffloadStatus, key: string): Verdict | undefined => settingOf(status, key)?.verdict;

export const findingsOf = ({ supervision }: OffloadStatus, reason: string): readonly OffloadFinding[] =>
  supervision?.findings.filter((finding) => finding.reason === reason) ?? [];

export const measurementOf = (
  { supervision }: OffloadStatus,
  name: string,
): NonNullable<OffloadStatus['supervision']>['measurements'][number] | undefined =>
  supervision?.measurements.find((measurement) => measurement.name === name);

/** The devices of the agent are files of the test; processes are those of the machine, and so is ovs-vswitchd with its log. */
async function seeingProcesses(rig: Rig): Promise<Rig> {
  await symlink('/proc', join(rig.root, 'proc'));
  return rig;
}

export interface OffloadRigOptions extends OvsLabOptions {
  /** The schema of OVS-DOCA, and its hand. */
  readonly isDoca?: boolean;
  /** Devices that the agent sees. */
  readonly devices?: readonly string[];
}

export class OffloadRig implements AsyncDisposable {
  readonly rig: Rig;
  readonly #hand: DocaHand | undefined;

  private constructor(rig: Rig, hand: DocaHand | undefined) {
    this.rig = rig;
    this.#hand = hand;
  }

  /** With a database; ovs-vswitchd runs if it is asked for, and never under the hand, which starts it. */
  static async start({ isDoca = false, ...options }: OffloadRigOptions): Promise<OffloadRig> {
    if (!isDoca) return new OffloadRig(await seeingProcesses(await Rig.start(options)), undefined);
    const dir = await makeLabDir();
    const rig = await Rig.start({ ...options, schema: await writeDocaSchema(dir), vswitchd: false });
    await removeLabDir(dir);
    await rig.lab.vsctl('--no-wait', 'init');
    const hand = new DocaHand(rig.lab);
    hand.watch();
    return new OffloadRig(await seeingProcesses(rig), hand);
  }

  get lab(): OvsLab {
    return this.rig.lab;
  }

  get hand(): DocaHand {
    if (this.#hand === undefined) throw new Error('there is no hand of OVS-DOCA');
    return this.#hand;
  }

  /** Starts the agent and waits until it has judged once. @param offload section of the configuration */
  async agent(offload: object, input: ConfigInput = {}): Promise<{ agent: AgentProcess; api: OffloadApi }> {
    const agent = await this.rig.agent(this.#input(offload, input));
    // It says so, with its log, when it ends.
    await eventually(() => agent.status(), 'the agent answers', 20_000);
    const api = new OffloadApi(agent);
    await api.until(({ supervision }) => supervision !== undefined, 'what it has found', 20_000);
    return { agent, api };
  }

  /** Replaces the configuration; the agent hears of it by itself. */
  async configure(offload: object, input: ConfigInput = {}): Promise<void> {
    await replaceFile(this.rig.configFile, this.rig.configText(this.#input(offload, input)));
  }

  #input(offload: object, input: ConfigInput): ConfigInput {
    return {
      bridges: [{ name: 'br-int', mode: 'observe' }],
      ...input,
      // Nothing of the machine of the test is to be waited for.
      offload: { bootGraceMs: 0, exporterPort: 0, ...offload },
    };
  }

  /** other_config of the database as ovs-vsctl prints it. */
  async otherConfig(): Promise<ReadonlyMap<string, string>> {
    const text = (await this.lab.vsctl('--no-wait', 'get', 'Open_vSwitch', '.', 'other_config')).trim();
    const pairs = [...text.matchAll(/([\w-]+)=("(?:[^"\\]|\\.)*"|[^,}]+)/g)];
    return new Map(pairs.map(([, key = '', value = '']) => [key, value.replaceAll('"', '')]));
  }

  /** Sets keys of other_config by the hand of somebody else. */
  async set(...pairs: readonly string[]): Promise<void> {
    await this.lab.vsctl('set', 'Open_vSwitch', '.', ...pairs.map((pair) => `other_config:${pair}`));
  }

  async restartVswitchd(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.lab.killVswitchd(signal);
    await this.lab.startVswitchd();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hand?.[Symbol.asyncDispose]();
    await this.rig[Symbol.asyncDispose]();
  }
}
