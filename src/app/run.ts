/**
 * The daemon: assembles the agent, logs what really changes, serves the API, follows changes of the configuration, and ends in
 * order. It keeps no state that the world does not have.
 */

import { resolve } from 'node:path';
import { randomUUID } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { JournalEntry } from '../agent/journal.js';
import { StatusKeeper } from '../agent/status-keeper.js';
import type { AgentStatus } from '../agent/status.js';
import { createAddressGuard } from '../api/grpc/address-guard.js';
import type { Refusal } from '../api/grpc/server.js';
import { lowerDevices } from '../host/lower-devices.js';
import { ServiceNotify } from '../host/service-notify.js';
import { SocketPeers } from '../host/socket-peers.js';
import type { Netdev } from '../model/netdev.js';
import type { Config } from '../config/config.js';
import { ConfigWatcher } from '../config/watcher.js';
import type { Clock } from '../lib/clock.js';
import { toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { formatObject, objectKey, type Condition, type Finding } from '../model/condition.js';
import { errorFields, type Logger } from '../telemetry/log.js';
import type { ConfigSource } from './arguments.js';
import { assemble } from './assemble.js';
import { assembleApi } from './assemble-api.js';
import { assembleView } from './assemble-view.js';
import { createAttachLog } from './attach-log.js';
import { MountWatch } from './mount-watch.js';
import { ServiceReport } from './watchdog.js';

export interface RunContext {
  readonly config: Config;
  readonly source: ConfigSource;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Aborted when the agent shall end. */
  readonly signal: AbortSignal;
  /** Calls the listener when the configuration is to be read again (SIGHUP). */
  readonly onReload: (listener: () => void) => void;
  readonly version: string;
}

/** Logs what differs between two statuses: readiness of the whole, and each condition that became another. */
function createStatusLog(logger: Logger): (status: AgentStatus) => void {
  let before: AgentStatus | undefined;
  let reasons = new Map<string, string>();
  return (status) => {
    if (before?.ovsdb.kind !== status.ovsdb.kind) logConnection(logger, status);
    if (before !== undefined && before.vswitchd !== status.vswitchd) {
      logger[status.vswitchd === 'silent' ? 'warn' : 'info'](
        { vswitchd: status.vswitchd },
        'vswitchd liveness changed',
      );
    }
    const now = new Map(status.conditions.map((entry) => [objectKey(entry.object), entry.reason]));
    for (const entry of status.conditions) {
      if (reasons.get(objectKey(entry.object)) !== entry.reason) logCondition(logger, entry);
    }
    if (before?.isReady !== status.isReady) logger.info({ isReady: status.isReady }, 'readiness changed');
    reasons = now;
    before = status;
  };
}

function logConnection(logger: Logger, status: AgentStatus): void {
  const { ovsdb } = status;
  if (ovsdb.kind === 'synced') logger.info({ endpoint: ovsdb.endpoint }, 'OVSDB in sync');
  else logger.warn({ code: ovsdb.code, error: ovsdb.message }, 'OVSDB not in sync');
}

function logCondition(logger: Logger, entry: Condition): void {
  const fields = { object: formatObject(entry.object), state: entry.state, reason: entry.reason };
  const isNews = entry.reason !== 'Ready' && entry.reason !== 'NotApplied';
  if (entry.state === 'failed') logger.warn({ ...fields, detail: entry.message }, 'condition changed');
  else if (isNews) logger.info({ ...fields, detail: entry.message }, 'condition changed');
  else logger.debug(fields, 'condition changed');
}

/** Findings on offload, each once when it appears and once when it is gone; those on other objects come with their conditions. */
function createFindingLog(logger: Logger): (findings: readonly Finding[]) => void {
  let before = new Map<string, Finding>();
  return (findings) => {
    const now = new Map(findings.map((finding) => [`${finding.reason} ${objectKey(finding.object)}`, finding]));
    for (const [key, { object, reason, message, remedy }] of now) {
      if (!before.has(key)) logger.warn({ object: formatObject(object), reason, detail: message, remedy }, 'finding');
    }
    for (const [key, { object, reason }] of before) {
      if (!now.has(key)) logger.info({ object: formatObject(object), reason }, 'finding is gone');
    }
    before = now;
  };
}

function logChange(logger: Logger, entry: JournalEntry): void {
  if (entry.kind === 'event') {
    logger.warn({ details: entry.details.map((line) => safeText(line)) }, safeText(entry.summary, 500));
    return;
  }
  const fields = {
    change: safeText(entry.summary, 500),
    ...(entry.kind === 'audit' ? { audit: true, actor: entry.actor } : {}),
    outcome: entry.outcome,
    details: entry.details.map((line) => safeText(line)),
    tookMs: Math.round(entry.tookMs * 10) / 10,
    error: entry.message,
  };
  logger[entry.outcome === 'applied' ? 'info' : 'warn'](fields, 'change');
}

/** What of the new configuration takes effect only after a restart. */
function frozenParts(before: Config, after: Config): readonly string[] {
  const parts = ['ovsdb', 'ovs', 'representors', 'agent', 'log', 'hostCluster', 'attach', 'api', 'offload'] as const;
  // Who may what is taken over at once, and so is what is declared and expected of offload.
  const live = ['grants', 'settings', 'expect', 'thresholds', 'bootGraceMs'];
  const isLive = (part: (typeof parts)[number], key: string): boolean =>
    live.includes(key) && (key === 'grants') === (part === 'api') && ['api', 'offload'].includes(part);
  const textOf = (part: (typeof parts)[number], config: Config): string =>
    JSON.stringify(config[part], (key, value: unknown) => (isLive(part, key) ? 0 : value));
  return parts.filter((part) => textOf(part, before) !== textOf(part, after));
}

/** Logs what is tried again by itself, once for each new reason. */
function createTroubleLog(logger: Logger): (what: string, error: Error) => void {
  const last = new Map<string, string>();
  return (what, error) => {
    if (last.get(what) === error.message) return;
    last.set(what, error.message);
    logger.warn({ what: safeText(what), ...errorFields(error) }, 'trouble; it is tried again');
  };
}

/** Something in the API threw what it should not have: its caller got INTERNAL, and the switch goes on being looked after. */
function logBug(logger: Logger, thrown: unknown): void {
  const { stack, message } = toError(thrown);
  logger.error({ error: safeText(message, 500), stack: safeText(stack ?? '', 4_000) }, 'this is a bug of the agent');
}

/** Who was refused by the API, and why; told at most once a minute for each. */
function logRefusal(logger: Logger, { error, who, method, hiddenCount }: Refusal): void {
  logger.warn({ who, method, hiddenCount, ...errorFields(error) }, 'API call refused');
}

function logUnknownPeer(logger: Logger, reason: string): void {
  const remedy = 'Install iproute2 (ss) and let the agent see /proc of its callers; until then they may only look.';
  logger.warn({ reason: safeText(reason, 300), remedy }, 'a caller on the socket cannot be identified');
}

/** Whether the device is the DPU's end of a link to the host. */
function isHostFunction(netdev: Netdev | undefined): boolean {
  return netdev !== undefined && ['hostPf', 'hostVf', 'hostSf'].includes(netdev.kind);
}

/** Runs until the signal; resolves when everything is closed. What it leaves in the switch stays there. */
export async function runAgent(context: RunContext): Promise<void> {
  const { config, source, env, clock, random, logger, signal } = context;
  const logStatus = createStatusLog(logger);
  const logAttach = createAttachLog(logger, clock);
  const logFindings = createFindingLog(logger);
  const ended = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
  let fail = (_error: unknown): void => undefined;
  const broken = new Promise<never>((_resolve, reject) => (fail = reject));
  // Whatever breaks before somebody waits for it, or after, must not end the process in disorder.
  broken.catch(() => undefined);
  const keeper = new StatusKeeper();
  const onTrouble = createTroubleLog(logger);
  const assembly = assemble({
    config,
    clock,
    random,
    isWriter: true,
    onStatus: (status) => {
      logStatus(status);
      keeper.set(status);
    },
    onJournal: (entry) => logChange(logger, entry),
    onAttach: (outcome) => {
      logAttach(outcome);
      keeper.setPods(outcome.podFacts);
    },
    environment: env,
    version: context.version,
    onTrouble,
    onBug: (error) => fail(error),
  });
  keeper.setLive(() => assembly.attach?.live());
  const instanceId = randomUUID();
  const view = assembleView({
    ...{ config, clock, random, instanceId, version: context.version, status: keeper },
    configFile: resolve(source.file),
    ...{ store: assembly.store, devices: assembly.devices, intents: assembly.intents.wanted, desk: assembly.desk },
    ...{ journal: assembly.journal, telemetry: assembly.telemetry, onBug: (error) => logBug(logger, error) },
    onOffloadFindings: (findings, wallMs) => {
      logFindings(findings);
      assembly.setOffloadFindings(findings, wallMs);
    },
  });
  let netdevs = assembly.devices.snapshot();
  const api = assembleApi({
    config,
    view: view.view,
    clock,
    random,
    version: context.version,
    peerCredentials: new SocketPeers({ clock, onUnknown: (reason) => logUnknownPeer(logger, reason) }),
    addressGuard: createAddressGuard({
      interfaces: networkInterfaces,
      isHostFunction: (device) => {
        // The last that was known: no address is given up because the list of devices is being read anew.
        netdevs = assembly.devices.snapshot() ?? netdevs;
        return netdevs === undefined ? undefined : isHostFunction(netdevs.get(device));
      },
      lowersOf: (device) => lowerDevices(device),
    }),
    ownUid: process.getuid?.(),
    onTrouble,
    onRefused: (refusal) => logRefusal(logger, refusal),
    onBug: (error) => logBug(logger, error),
  });
  let current = config;
  const watcher = new ConfigWatcher({
    file: source.file,
    env,
    config,
    sets: source.sets,
    clock,
    onChange: (loaded) => {
      const frozen = frozenParts(current, loaded.config);
      if (frozen.length > 0) logger.warn({ parts: frozen }, 'these parts of the new configuration need a restart');
      current = loaded.config;
      assembly.intents.replace(loaded.config);
      api.setGrants(loaded.config.api.grpc.grants);
      view.replaceOffload(loaded.config);
      logger.info({ file: source.file }, 'configuration loaded anew');
    },
    onProblem: (error) =>
      logger.error(errorFields(error), 'the new configuration is not used; the old one stays in force'),
  });
  const onNotifyTrouble = (error: Error): void => onTrouble('service manager', error);
  const notify = ServiceNotify.create({ clock, env, pid: process.pid, onTrouble: onNotifyTrouble });
  const isServed = [config.api.grpc.mode, config.api.http.mode].includes('on');
  const isListening = (): boolean => !isServed || api.addresses().length > 0;
  const service = notify === undefined ? undefined : new ServiceReport({ notify, status: keeper, isListening, clock });
  const mount = new MountWatch(config.ovs.runDir, clock, (error) => fail(error));
  const reload = (): void => void watcher.reload();
  logger.info({ version: context.version, file: source.file, owner: config.agent.owner }, 'agent starts');
  try {
    watcher.start();
    context.onReload(() => (service === undefined ? reload() : service.reload(reload)));
    assembly.start();
    view.start();
    await api.start();
    logger.info({ addresses: api.addresses() }, 'API listens');
    service?.start();
    mount.start();
    await Promise.race([ended, broken]);
  } finally {
    service?.stop();
    mount.stop();
    watcher.stop();
    await api.close();
    await view.close();
    await assembly.close();
    logger.info('agent ended');
  }
}
