/**
 * Rules about bridges as a whole: names, identities that must not be shared, keys of maps that have a place of their own,
 * and what a mode excludes. Reports only.
 */
import type { BridgeDraft, ConfigDraft } from './draft.js';
import { deviceNameLengthMax, nameFault } from './names.js';
import type { ConfigPath } from './path.js';
import type { Report } from './report.js';
import { FirstSeen } from './seen.js';

export function checkBridges(draft: ConfigDraft, report: Report): void {
  checkUnique(draft, report);
  for (const bridge of draft.bridges) {
    checkBridgeName(bridge, report);
    checkBridgeMode(bridge, report);
    checkOwnKeys(bridge, report);
    checkProtocols(bridge, report);
    checkNotes(bridge.value.externalIds, [...bridge.path, 'externalIds'], report);
  }
}

/** Keys with this prefix are the agent's notes: a row that carries them is a row that the agent may delete. */
const notePrefix = 'dpu-agent-';

/** Reports keys of an external_ids map that are the agent's own. */
export function checkNotes(map: Readonly<Record<string, string>> | undefined, path: ConfigPath, report: Report): void {
  for (const key of Object.keys(map ?? {})) {
    if (!key.startsWith(notePrefix)) continue;
    report([...path, key], `keys that begin with "${notePrefix}" are the agent's own notes`, 'Choose another key.');
  }
}

function checkBridgeName(bridge: BridgeDraft, report: Report): void {
  const { name } = bridge.value;
  // The local port is a device with the name of the bridge.
  const fault = name === undefined ? undefined : nameFault(name, deviceNameLengthMax);
  if (fault !== undefined) report([...bridge.path, 'name'], `the name "${name ?? ''}" ${fault}`);
}

const identities = ['name', 'datapathId', 'hwaddr'] as const;

function checkUnique(draft: ConfigDraft, report: Report): void {
  for (const key of identities) {
    const seen = new FirstSeen();
    for (const { path, value } of draft.bridges) {
      const identity = value[key];
      if (identity === undefined) continue;
      const at = [...path, key];
      const first = seen.before(key === 'name' ? identity : identity.toLowerCase(), at);
      if (first !== undefined) report(at, `"${identity}" is already given at ${first}`);
    }
  }
}

function checkBridgeMode(bridge: BridgeDraft, report: Report): void {
  const { mode, adopt } = bridge.value;
  if (adopt !== true || mode === undefined || mode === 'own') return;
  const message = `a bridge of mode ${mode} is somebody else's and cannot be adopted`;
  report([...bridge.path, 'adopt'], message, 'Remove adopt, or choose mode own.');
}

/** other_config keys that have a key of their own in the file, so that there is one place to look for each. */
const ownKeys: ReadonlyMap<string, string> = new Map([
  ['datapath-id', 'datapathId'],
  ['hwaddr', 'hwaddr'],
]);

function checkOwnKeys(bridge: BridgeDraft, report: Report): void {
  for (const key of Object.keys(bridge.value.otherConfig ?? {})) {
    const own = ownKeys.get(key);
    if (own === undefined) continue;
    report([...bridge.path, 'otherConfig', key], `"${key}" has a key of its own`, `Use ${own} of the bridge.`);
  }
}

function checkProtocols(bridge: BridgeDraft, report: Report): void {
  const protocols = bridge.value.protocols ?? [];
  protocols.forEach((protocol, index) => {
    if (protocols.indexOf(protocol) < index) {
      report([...bridge.path, 'protocols', index], `${protocol} is given twice`);
    }
  });
}
