import { describe, expect, it } from 'vitest';
import type { AttachFailure, AttachOutcome } from '../../src/agent/attach-outcome.js';
import { createAttachLog } from '../../src/app/attach-log.js';
import type { Finding } from '../../src/model/condition.js';
import { createLogger } from '../../src/telemetry/log.js';
import { ManualClock } from '../config/manual-clock.js';

const quiet: AttachOutcome = {
  wallMs: 0,
  mode: 'on',
  bridge: 'br-int',
  cluster: { kind: 'synced', server: 'https://host' },
  nodeName: 'host-a',
  lease: { kind: 'disabled' },
  clockSkewMs: 0,
  podCount: 0,
  counts: {},
  failures: [],
  podFacts: () => [],
  findings: [],
  pendingCount: 0,
  statuses: { written: 0, conflicts: 0, failed: 0, inFlight: 0, lastError: undefined },
};

const failure = (label: string, reason = 'DetailsInvalid'): AttachFailure => {
  return { label, reason, message: 'Wrong.', device: undefined };
};
const finding = (message: string): Finding => {
  return { reason: 'Restless', object: { kind: 'attachment', name: 'ns/a' }, message, claimants: [], remedy: 'Look.' };
};

/** The lines of the log from the second look on. */
function scene() {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = createAttachLog(createLogger('info', 'json', { write: (line: string) => void lines.push(line) }), clock);
  log(quiet);
  lines.splice(0);
  const look = (fields: Partial<AttachOutcome>): readonly string[] => {
    log({ ...quiet, ...fields });
    return lines.splice(0);
  };
  return { clock, look };
}

describe('the log of the pods', () => {
  it('says a failure once for as long as it lasts, and again when it comes back', () => {
    const { look } = scene();
    expect(look({ failures: [failure('ns/a')] })).toMatchObject([expect.stringContaining('pod not attached')]);
    expect(look({ failures: [failure('ns/a')] })).toEqual([]);
    expect(look({})).toEqual([]);
    expect(look({ failures: [failure('ns/a')] })).toHaveLength(1);
  });

  it('is not filled by a pod that fails and works in turn, nor by one that fails ever differently', () => {
    for (const fickle of [true, false]) {
      const { clock, look } = scene();
      let lineCount = 0;
      for (let turn = 0; turn < 20 * 60; turn += 1) {
        const fails = fickle ? turn % 2 === 0 : true;
        const reason = turn % 3 === 0 ? 'DetailsInvalid' : 'ResourceNotRequested';
        lineCount += look({ failures: fails ? [failure('ns/a', fickle ? undefined : reason)] : [] }).length;
        clock.advance(50);
      }
      expect(lineCount).toBeGreaterThanOrEqual(5);
      expect(lineCount).toBeLessThanOrEqual(8);
    }
  });

  it('says what had to wait once it may, if it is still so', () => {
    const { clock, look } = scene();
    for (let turn = 0; turn < 10; turn += 1) look({ failures: turn % 2 === 0 ? [failure('ns/a')] : [] });
    expect(look({ failures: [failure('ns/a', 'IfaceIdTaken')] })).toEqual([]);
    clock.advance(10_000);
    expect(look({ failures: [failure('ns/a', 'IfaceIdTaken')] })).toHaveLength(1);
    expect(look({ failures: [failure('ns/a', 'IfaceIdTaken')] })).toEqual([]);
  });

  it('says the failures of the others meanwhile', () => {
    const { look } = scene();
    for (let turn = 0; turn < 20; turn += 1) look({ failures: turn % 2 === 0 ? [failure('ns/a')] : [] });
    const many = Array.from({ length: 40 }, (_, index) => failure(`ns/p${index}`));
    expect(look({ failures: many })).toHaveLength(40);
  });

  it('is not filled by findings on one object whose words differ each time', () => {
    const { clock, look } = scene();
    let lineCount = 0;
    for (let turn = 0; turn < 600; turn += 1) {
      lineCount += look({ findings: [finding(`Ahead by ${turn} ms.`)] }).length;
      clock.advance(100);
    }
    expect(lineCount).toBeLessThanOrEqual(8);
  });

  it('says that the cluster is lost and regained, and each change of the right to write', () => {
    const { look } = scene();
    const stale = {
      kind: 'stale',
      server: 'https://host',
      sinceWallMs: 0,
      message: 'no route',
      code: undefined,
    } as const;
    expect(look({ cluster: stale })).toMatchObject([expect.stringContaining('host cluster not in sync')]);
    expect(look({ mode: 'standby' }).join()).toMatch(/host cluster in sync.*attaching changed mode/s);
    expect(look({ mode: 'blind' })).toEqual([]);
  });
});
