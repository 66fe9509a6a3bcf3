/** What the desk of intents says of requests, of bundles and of what is wrong with them, in words. Pure. */

import { safeText } from '../lib/text.js';
import type { Finding } from '../model/condition.js';
import type { IntentRequest, PlainBundle } from './intent-desk-types.js';
import type { IntentAlarm } from './intent-ports.js';

/** `apply intents of fleet-1, generation 3`. */
export function summaryOf({ owner, generation }: IntentRequest): string {
  return `apply intents of ${safeText(owner, 80)}, generation ${generation}`;
}

/** `3 bridges`, `1 chain`. */
export function contentsOf({ bridges, ports, chains, attachments }: PlainBundle): readonly string[] {
  const parts = Object.entries({ bridge: bridges, port: ports, chain: chains, attachment: attachments });
  return parts
    .filter(([, list]) => list.length > 0)
    .map(([noun, list]) => `${list.length} ${noun}${list.length === 1 ? '' : 's'}`);
}

/** Something that was stored could not be read. */
export function alarmFinding({ owner, error }: IntentAlarm): Finding {
  return {
    reason: 'IntentStoreDamaged',
    object: { kind: 'intent', name: owner ?? '*' },
    message: safeText(error.message, 500),
    claimants: owner === undefined ? [] : [`controller ${owner}`],
    remedy: error.remedy ?? 'Have the controller hand its bundle in again, and look at the disk.',
  };
}

/** What is in force contradicts the configuration or another bundle. */
export function contradictionFinding(owner: string, message: string): Finding {
  return {
    reason: 'IntentContradicted',
    object: { kind: 'intent', name: owner },
    message,
    claimants: [`controller ${owner}`],
    remedy: 'Take it out of the bundle or out of the configuration, and hand the bundle in again.',
  };
}
