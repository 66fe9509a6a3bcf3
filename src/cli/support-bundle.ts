/**
 * `dpuctl bundle`: an archive of everything that helps to understand a node from afar. Identities and secrets are taken out of
 * every file of it. What cannot be read is told in its place; the archive is made with and without a running agent.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { gzipSync } from 'node:zlib';
import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { ListResponseSchema } from '../gen/proto/dpu/agent/v1/intent_pb.js';
import { JournalService, ListEntriesResponseSchema } from '../gen/proto/dpu/agent/v1/journal_pb.js';
import { NodeSchema, StatusSchema } from '../gen/proto/dpu/agent/v1/node_pb.js';
import {
  GetOffloadStatusResponseSchema,
  ListOffloadResponseSchema,
  ListSoftwareFlowsResponseSchema,
  OffloadService,
} from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { GetStatsResponseSchema, StatsService } from '../gen/proto/dpu/agent/v1/stats_pb.js';
import { GetTopologyResponseSchema, TopologyService } from '../gen/proto/dpu/agent/v1/topology_pb.js';
import { AgentError, systemErrorCode, toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { CommandContext } from './command-context.js';
import { doctorChecks } from './doctor-checks.js';
import type { DoctorFacts, Fact } from './doctor-facts.js';
import { listIntents } from './list-intents.js';
import { toPlain } from './output.js';
import { Redactor } from './redact.js';
import { learnTree, redactTree } from './redact-tree.js';
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
/** The largest flows in software, of the newest dump: the archive is no reason for another one. */
const flowsMax = 200;

/** A file of the archive, as data wherever it is data. */
interface Section {
  readonly name: string;
  readonly content: Content;
}

type Content =
  { readonly kind: 'json' | 'yaml'; readonly data: unknown } | { readonly kind: 'text'; readonly text: string };

const json = (data: unknown): Content => ({ kind: 'json', data });

/** Plain data, as it is in JSON. */
const plainOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value, replaceOdd));

/** Facts hold maps and bigints, which JSON does not know. */
function replaceOdd(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  return typeof value === 'bigint' ? String(value) : value;
}

/** What was asked, or why it is not there. */
async function section(name: string, make: () => Promise<Content> | Content): Promise<Section> {
  try {
    return { name, content: await make() };
  } catch (error) {
    return { name: `${name}.missing.txt`, content: { kind: 'text', text: `${toError(error).message}\n` } };
  }
}

const jsonOf = <Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): Content =>
  json(toPlain(desc, message));

function factJson<Desc extends DescMessage>(fact: Fact<MessageShape<Desc>>, desc: Desc): Content {
  if (fact.kind === 'unknown') throw new Error(fact.why);
  return jsonOf(desc, fact.value);
}

/** The results, without what the check of the configuration repeats of the file: only where it is wrong. */
function checksOf(facts: DoctorFacts, isRedacted: boolean): unknown {
  return doctorChecks.map(({ name, run }) => {
    const result = run(facts);
    if (name !== 'config-valid' || result.outcome !== 'fail' || !isRedacted) return { name, ...result };
    const [, place] = /(:\d+:\d+: [\w.[\]-]+):/.exec(result.message) ?? [];
    const where = place === undefined ? '' : ` at ${place.slice(1)}`;
    return {
      name,
      ...result,
      message: `the file is not valid${where}; what is wrong is left out, for it repeats the file`,
    };
  });
}

/** Without comments, which may say anything. @throws Error where it cannot be read as YAML */
async function configOf(file: string, isRedacted: boolean): Promise<Content> {
  const text = readFileSync(file, 'utf8');
  if (!isRedacted) return { kind: 'text', text };
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { prettyErrors: false });
  const [fault] = document.errors;
  if (fault !== undefined) {
    throw new Error(`it is left out: it is no YAML (${fault.code}), so that its secrets cannot be told from the rest`);
  }
  return { kind: 'yaml', data: document.toJS({ maxAliasCount: 100 }) as unknown };
}

/** Everything that can be asked, in the order of the files. */
async function gather(
  { connection, signal }: CommandContext,
  facts: DoctorFacts,
  { configFile, isRedacted }: SupportBundleOptions,
): Promise<readonly Section[]> {
  const { node, status } = facts;
  const stats = connection.service(StatsService);
  const offload = connection.service(OffloadService);
  const selector = { ports: true, attachments: true, chains: true };
  return Promise.all([
    section('doctor.json', () => json(checksOf(facts, isRedacted))),
    section('status.json', () => factJson(status, StatusSchema)),
    section('node.json', () => factJson(node, NodeSchema)),
    section('topology.json', async () => {
      const answer = await connection.service(TopologyService).getTopology({}, { signal });
      return jsonOf(GetTopologyResponseSchema, answer);
    }),
    section('journal.json', async () => {
      const request = { pageSize: journalEntriesMax };
      const answer = await connection.service(JournalService).listEntries(request, { signal });
      return jsonOf(ListEntriesResponseSchema, answer);
    }),
    section('stats.json', async () => {
      const answer = await stats.getStats({ selector }, { signal });
      return jsonOf(GetStatsResponseSchema, answer);
    }),
    section('offload-status.json', async () =>
      jsonOf(GetOffloadStatusResponseSchema, await offload.getOffloadStatus({}, { signal })),
    ),
    section('offload.json', async () => jsonOf(ListOffloadResponseSchema, await offload.listOffload({}, { signal }))),
    section('offload-flows.json', async () => {
      const request = { countMax: flowsMax, withRules: true };
      return jsonOf(ListSoftwareFlowsResponseSchema, await offload.listSoftwareFlows(request, { signal }));
    }),
    section('intents.json', async () =>
      jsonOf(ListResponseSchema, create(ListResponseSchema, { intents: [...(await listIntents(connection, signal))] })),
    ),
    section('open-vswitch.json', () => json(plainOf({ database: facts.database, vswitchd: facts.vswitchd }))),
    section('machine.json', () =>
      json(plainOf({ machine: facts.machine, stateDir: facts.stateDir, units: facts.units })),
    ),
    section('config.yaml', () => configOf(configFile, isRedacted)),
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

const redactedNote = `\
Replaced, each by a word that stands for the same thing throughout this archive and is another one in the next:
  by their form: IP, MAC and mail addresses, uuids, datapath ids, hosts of URLs, identities of callers (cn:, dns:, spiffe:),
  by where they stand: names of hosts, namespaces, pods and services, serial numbers, ids of pods, sandboxes and leases.
Left out as [secret]: what stands under a key that sounds like one (key, token, secret, password, auth and the like), users
and queries of URLs, certificates, keys and tokens by their form. The comments of the configuration are left out.
Kept: names of bridges, ports, chains, owners and groups, versions, counters, times, paths of files.
A name that stands nowhere as what it is, such as in a label or in a text that somebody wrote, cannot be told from other
words: look through the files before you give them away.
`;

const readme = (isRedacted: boolean, time: string): string =>
  `dpuctl bundle, made ${time}\n${
    isRedacted ? redactedNote : 'NOT redacted: it holds addresses, names, ids and secrets of this site.\n'
  }Files named .missing.txt say why something is not there.\n`;

async function textOf(content: Content): Promise<string> {
  if (content.kind === 'text') return content.text;
  if (content.kind === 'json') return `${JSON.stringify(content.data, undefined, 2)}\n`;
  const { stringify } = await import('yaml');
  return stringify(content.data);
}

function redacted(redactor: Redactor, content: Content): Content {
  return content.kind === 'text'
    ? { kind: 'text', text: redactor.redact(content.text) }
    : { kind: content.kind, data: redactTree(redactor, content.data) };
}

/** All names and secrets of all files, so that each is known in every one. */
function learnAll(redactor: Redactor, contents: readonly Content[]): void {
  redactor.learn('host', hostname());
  for (const content of contents) {
    if (content.kind === 'text') redactor.learnHosts(content.text);
    else {
      redactor.learnHosts(JSON.stringify(content.data));
      learnTree(redactor, content.data);
    }
  }
}

/** Makes the archive and says where it is. @throws AgentError USAGE when the file cannot be written or is there already */
export async function supportBundle(
  context: CommandContext,
  facts: DoctorFacts,
  options: SupportBundleOptions,
): Promise<number> {
  const time = new Date(context.clock.wallMs()).toISOString();
  const redactor = new Redactor(randomBytes(32));
  const sections = await gather(context, facts, options);
  const modifiedSeconds = context.clock.wallMs() / 1_000;
  learnAll(
    redactor,
    sections.map(({ content }) => content),
  );
  const note = cut(readme(options.isRedacted, time));
  const entries: TarEntry[] = [{ name: 'dpuctl-bundle/README.txt', content: note, modifiedSeconds }];
  for (const { name, content } of sections) {
    const text = await textOf(options.isRedacted ? redacted(redactor, content) : content);
    entries.push({ name: `dpuctl-bundle/${name}`, content: cut(text), modifiedSeconds });
  }
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
