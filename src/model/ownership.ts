/**
 * How a row tells that it is the agent's. Every row that the agent makes carries the owner key in its external_ids; what
 * carries no mark is foreign and is never changed. Of maps that others write too, the agent owns single keys: it notes
 * which in a second key, so that a key that is no longer declared can be removed, and no other ever is.
 */

/** external_ids key whose value names the agent instance that made the row. */
export const ownerKey = 'dpu-agent-owner';
/** external_ids key that lists, as a JSON array of `column:key`, the map keys that the agent manages in the row. */
export const managedKeysKey = 'dpu-agent-keys';

/**
 * external_ids key that holds, as a JSON object, the identities that the agent chose for the row once and for all: the
 * datapath-id and hwaddr of a bridge, the OpenFlow number of an interface. Open vSwitch would otherwise let them follow
 * other ports (ovs-vswitchd.conf.db(5), other_config:hwaddr), and drop OpenFlow connections when they change.
 */
export const pinsKey = 'dpu-agent-pins';

/** Keys that the agent itself writes; an intent must not name them. */
export const reservedKeys: ReadonlySet<string> = new Set([ownerKey, managedKeysKey, pinsKey]);

export type StringMap = ReadonlyMap<string, string>;

/**
 * The owner mark of rows that stand for pods of the host cluster. It differs from the owner's own, so that the loop of the
 * declared ports sees them as somebody else's: what a pod wants is not known while the host cluster is away.
 */
export function podsMark(owner: string): string {
  return `${owner}/pods`;
}

/** Whether the row with these external_ids was made by the agent instance `owner`. */
export function isOwnedBy(externalIds: StringMap, owner: string): boolean {
  return externalIds.get(ownerKey) === owner;
}

/**
 * The managed keys of a row, by column. What is not a JSON array of `column:key` strings counts as nothing managed: the
 * note lies in the open, and a damaged one must not make the agent remove a key that it did not write.
 */
export function parseManagedKeys(externalIds: StringMap): ReadonlySet<string> {
  const parsed = parseNote(externalIds.get(managedKeysKey));
  if (!Array.isArray(parsed)) return new Set();
  return new Set(parsed.filter((entry): entry is string => typeof entry === 'string' && entry.includes(':')));
}

/** The JSON value of a note, or undefined when there is none or somebody damaged it. */
function parseNote(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

/** The note for `keys`, each `column:key`; sorted, so that equal sets give equal text. Undefined when there is none. */
export function formatManagedKeys(keys: Iterable<string>): string | undefined {
  const sorted = [...keys].sort();
  return sorted.length === 0 ? undefined : JSON.stringify(sorted);
}

/** Rows are immutable, and most are asked for their pins in every round: the note is read once. */
const knownPins = new WeakMap<StringMap, StringMap>();

/** The pinned identities of a row, by name; what is not a string is left out. */
export function parsePins(externalIds: StringMap): StringMap {
  const known = knownPins.get(externalIds);
  if (known !== undefined) return known;
  const pins = readPins(externalIds);
  knownPins.set(externalIds, pins);
  return pins;
}

function readPins(externalIds: StringMap): StringMap {
  const parsed = parseNote(externalIds.get(pinsKey));
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return new Map();
  const entries = Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return new Map(entries);
}

/** The note for `pins`; undefined when there is none. */
export function formatPins(pins: StringMap): string | undefined {
  if (pins.size === 0) return undefined;
  return JSON.stringify(Object.fromEntries([...pins].sort(([a], [b]) => (a < b ? -1 : 1))));
}
