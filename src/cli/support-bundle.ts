/**
 * `dpuctl bundle`: an archive of everything that helps to understand a node from afar. Identities and secrets are taken out of
 * every file of it. What cannot be read is told in its place; the archive is made with and without a running agent.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { toJson, type DescMessage, type JsonValue, type MessageShape } from '@bufbuild/protobuf';
import { IntentService, ListResponseSchema } from '../gen/proto/dpu/agent/v1/intent_pb.js';
import { JournalService, ListEntriesResponseSchema } from '../gen/proto/dpu/agent/v1/journal_pb.js';
import { NodeSchema, StatusSchema, type Node, type Status } from '../gen/proto/dpu/agent/v1/node_pb.js';
import {
  GetOffloadStatusResponseSchema,
  ListOffloadResponseSchema,
  OffloadService,
} from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { GetStatsResponseSchema, StatsService } from '../gen/proto/dpu/agent/v1/stats_pb.js';
import { GetTopologyResponseSchema, TopologyService, type Attachment } from '../gen/proto/dpu/agent/v1/topology_pb.js';
import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { CommandContext } from './command-context.js';
import { doctorChecks } from './doctor-checks.js';
import type { DoctorFacts, Fact } from './doctor-facts.js';
import { Redactor } from './redact.js';
import { packTar, type TarEntry } from './tar-file.js';

export interface SupportBundleOptions {
  /** Undefined: named by the time, in the working directory. */
  readonly file: string | undefined;
  readonly isRedacted: boolean;
  readonly configFile: string;
}

/** One file of the archive; what is longer is cut, and says so. */
const fileSizeMax = 16 * 2 ** 20;
const journalEntriesMax = 1_000;

interface Section {
  readonly name: string;
  readonly text: string;
}

const pretty = (value: unknown): string => `${JSON.stringify(value, replaceOdd, 2)}\n`;

/** Facts hold maps and bigints, which JSON does not know. */
function replaceOdd(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  return typeof value === 'bigint' ? String(value) : value;
}

/** What was asked, or why it is not there. */
async function section(name: string, make: () => Promise<string> | string): Promise<Section> {
  try {
    return { name, text: await make() };
  } catch (error) {
    return { name: `${name}.missing.txt`, text: `${toError(error).message}\n` };
  }
}

function jsonOf<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): JsonValue {
  return toJson(desc, message, { alwaysEmitImplicit: true });
}

function factText<Desc extends DescMessage>(fact: Fact<MessageShape<Desc>>, desc: Desc): string {
  if (fact.kind === 'unknown') throw new Error(fact.why);
  return pretty(jsonOf(desc, fact.value));
}

function learnNode(redactor: Redactor, { machine, agent }: Node): void {
  redactor.learn('host', machine?.hostname);
  redactor.learn('serial', machine?.serial);
  redactor.learn('host', agent?.hostNodeName);
}

function learnStatus(redactor: Redactor, { attach }: Status): void {
  redactor.learn('host', attach?.nodeName);
  redactor.learn('id', attach?.lease?.holder);
  for (const { label } of attach?.failures ?? []) learnLabel(redactor, label);
}

/** `namespace/pod`, and a network after it. */
function learnLabel(redactor: Redactor, label: string): void {
  const [names = ''] = label.split(' ');
  const [namespace, pod] = names.split('/');
  redactor.learn('pod', pod);
  redactor.learn('namespace', namespace);
}

function learnAttachment(redactor: Redactor, attachment: Attachment): void {
  const { namespace, pod, podUid, ifaceId, sandboxId, network, heldBy } = attachment;
  redactor.learn('pod', pod);
  redactor.learn('namespace', namespace);
  redactor.learn('id', podUid);
  redactor.learn('id', ifaceId);
  redactor.learn('id', sandboxId);
  for (const label of [network, heldBy]) learnLabel(redactor, label);
}

/** Everything that can be asked, in the order of the files. Names are learned on the way. */
async function gather(
  { connection, signal }: CommandContext,
  facts: DoctorFacts,
  redactor: Redactor,
  { configFile }: SupportBundleOptions,
): Promise<readonly Section[]> {
  const { node, status } = facts;
  if (node.kind === 'known') learnNode(redactor, node.value);
  if (status.kind === 'known') learnStatus(redactor, status.value);
  const stats = connection.service(StatsService);
  const offload = connection.service(OffloadService);
  const checks = doctorChecks.map(({ name, run }) => ({ name, ...run(facts) }));
  const selector = { ports: true, attachments: true, chains: true };
  return Promise.all([
    section('doctor.json', () => pretty(checks)),
    section('status.json', () => factText(status, StatusSchema)),
    section('node.json', () => factText(node, NodeSchema)),
    section('topology.json', async () => {
      const answer = await connection.service(TopologyService).getTopology({}, { signal });
      for (const { object } of answer.objects) {
        if (object.case === 'attachment') learnAttachment(redactor, object.value);
      }
      return pretty(jsonOf(GetTopologyResponseSchema, answer));
    }),
    section('journal.json', async () => {
      const request = { pageSize: journalEntriesMax };
      const answer = await connection.service(JournalService).listEntries(request, { signal });
      return pretty(jsonOf(ListEntriesResponseSchema, answer));
    }),
    section('stats.json', async () => {
      const answer = await stats.getStats({ selector }, { signal });
      for (const { pod, namespace } of answer.rows) {
        redactor.learn('pod', pod);
        redactor.learn('namespace', namespace);
      }
      return pretty(jsonOf(GetStatsResponseSchema, answer));
    }),
    section('offload-status.json', async () =>
      pretty(jsonOf(GetOffloadStatusResponseSchema, await offload.getOffloadStatus({}, { signal }))),
    ),
    section('offload.json', async () =>
      pretty(jsonOf(ListOffloadResponseSchema, await offload.listOffload({}, { signal }))),
    ),
    section('intents.json', async () =>
      pretty(jsonOf(ListResponseSchema, await connection.service(IntentService).list({}, { signal }))),
    ),
    section('open-vswitch.json', () => pretty({ database: facts.database, vswitchd: facts.vswitchd })),
    section('machine.json', () => pretty({ machine: facts.machine, stateDir: facts.stateDir, units: facts.units })),
    section('config.yaml', () => readFileSync(configFile, 'utf8')),
  ]);
}

function cut(text: string): Buffer {
  const content = Buffer.from(text);
  if (content.length <= fileSizeMax) return content;
  return Buffer.concat([
    content.subarray(0, fileSizeMax),
    Buffer.from('\n[cut: it is longer than this archive takes]\n'),
  ]);
}

const readme = (isRedacted: boolean, time: string): string =>
  `dpuctl bundle, made ${time}\n${
    isRedacted
      ? 'Addresses, names of hosts, namespaces and pods, ids and secrets are replaced; the same word stands for the same thing.\n'
      : 'NOT redacted: it holds addresses, names and ids of this site.\n'
  }Files named .missing.txt say why something is not there.\n`;

/** Makes the archive and says where it is. @throws AgentError USAGE when the file cannot be written or is there already */
export async function supportBundle(
  context: CommandContext,
  facts: DoctorFacts,
  options: SupportBundleOptions,
): Promise<number> {
  const time = new Date(context.clock.wallMs()).toISOString();
  const redactor = new Redactor(randomBytes(32));
  const sections = await gather(context, facts, redactor, options);
  for (const { text } of sections) redactor.learnHosts(text);
  const modifiedSeconds = context.clock.wallMs() / 1_000;
  // All names are known by now, those that a later section has told too.
  const entries = [{ name: 'README.txt', text: readme(options.isRedacted, time) }, ...sections].map(
    ({ name, text }): TarEntry => ({
      name: `dpuctl-bundle/${name}`,
      content: cut(options.isRedacted ? redactor.redact(text) : text),
      modifiedSeconds,
    }),
  );
  const file = options.file ?? `dpuctl-bundle-${time.slice(0, 19).replaceAll(/[-:]/g, '')}.tar.gz`;
  write(file, gzipSync(packTar(entries)));
  const missing = sections.filter(({ name }) => name.endsWith('.missing.txt')).map(({ name }) => name.split('.')[0]);
  context.print(`${safeText(file)}\n`);
  if (missing.length > 0) context.warn(`dpuctl: not in it: ${missing.join(', ')}; the archive says why\n`);
  if (!options.isRedacted) context.warn('dpuctl: it is not redacted: give it to nobody who may not know this site\n');
  return 0;
}

/** Readable by the owner only, and never over a file that is there. */
function write(file: string, content: Buffer): void {
  try {
    writeFileSync(file, content, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    const isThere = systemErrorCode(cause) === 'EEXIST';
    throw new AgentError('USAGE', `${safeText(file)} cannot be written: ${toError(cause).message}`, {
      cause,
      remedy: isThere ? 'Name another file with --file.' : 'Name a file in a directory that you may write with --file.',
    });
  }
}
