/**
 * The log of the pods: what differs between two looks, one line each, and for one and the same pod or object no more than a
 * few lines in a row. Used by the daemon. What a tenant can change as often as it likes must not fill the disk.
 */

import type { AttachOutcome } from '../agent/attach-outcome.js';
import type { Clock } from '../lib/clock.js';
import { Pace, type PaceTiming } from '../lib/pace.js';
import { objectKey } from '../model/condition.js';
import type { Logger } from '../telemetry/log.js';

/** For the lines about one pod's network, or one object and reason. */
const linesPace: PaceTiming = { burst: 5, baseMs: 10_000, capMs: 300_000, quietMs: 900_000 };

interface Line {
  /** What it is news of: said once for as long as it lasts. */
  readonly news: string;
  /** Whose it is: the number of lines is limited by this. */
  readonly about: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Says what is new among the lines of a look. One that has to wait is said by a later look, if it is still so then. */
class NewsLog {
  readonly #pace = new Pace(linesPace);
  #told = new Set<string>();

  say(lines: readonly Line[], nowMs: number, logger: Logger): void {
    const told = new Set<string>();
    for (const { news, about, fields, text } of lines) {
      if (!this.#told.has(news) && !told.has(news)) {
        if (this.#pace.waitMs(about, nowMs) > 0) continue;
        this.#pace.note([about], nowMs);
        logger.warn(fields, text);
      }
      told.add(news);
    }
    this.#told = told;
  }
}

function findingLine({ reason, object, message, remedy }: AttachOutcome['findings'][number]): Line {
  const about = `${reason} ${objectKey(object)}`;
  return { news: message, about, fields: { reason, detail: message, remedy }, text: 'finding' };
}

function failureLine({ label, reason, message, device }: AttachOutcome['failures'][number]): Line {
  const fields = { pod: label, reason, device, detail: message };
  return { news: `${label} ${reason}`, about: label, fields, text: 'pod not attached' };
}

function logCluster(logger: Logger, { cluster, nodeName }: AttachOutcome): void {
  const { server } = cluster;
  if (cluster.kind === 'synced') logger.info({ server, nodeName }, 'host cluster in sync');
  else logger.warn({ server, code: cluster.code, error: cluster.message }, 'host cluster not in sync');
}

/** Logs what differs between two looks at the pods: the connection, the right to write, and each new failure. */
export function createAttachLog(logger: Logger, clock: Clock): (outcome: AttachOutcome) => void {
  let before: AttachOutcome | undefined;
  const findings = new NewsLog();
  const failures = new NewsLog();
  return (outcome) => {
    const nowMs = clock.nowMs();
    const { cluster, mode } = outcome;
    if (before?.cluster.kind !== cluster.kind) logCluster(logger, outcome);
    if (before?.mode !== mode && mode !== 'blind') logger.info({ mode }, 'attaching changed mode');
    findings.say(outcome.findings.map(findingLine), nowMs, logger);
    failures.say(outcome.failures.map(failureLine), nowMs, logger);
    before = outcome;
  };
}
