/** Rules that only bundles have: attachments, and ports on bridges of others. Reports only. */
import { isIP } from 'node:net';
import { attachmentKeys, type HolderDraft } from './bundle-draft.js';
import { listOf, type ConfigDraft } from './draft.js';
import { formatPath } from './path.js';
import type { Report } from './report.js';
import { nearest } from '../lib/nearest.js';
import { partialAttachment, type AttachmentInput } from './bundle-schema.js';
import { FirstSeen } from './seen.js';

/** Reports what is wrong with the places of the ports of `asker`, and with its attachments. */
export function checkBundle(plain: unknown, asker: HolderDraft, draft: ConfigDraft, report: Report): void {
  checkBridges(asker, draft, report);
  checkAttachments(plain, report);
  checkIfaceIds(asker, draft, report);
}

function checkBridges({ ports }: HolderDraft, draft: ConfigDraft, report: Report): void {
  const bridges = new Map(draft.bridges.map((bridge) => [bridge.value.name, bridge]));
  const names = [...bridges.keys()].filter((name) => name !== undefined);
  for (const { bridge: name, bridgePath } of ports) {
    if (name === undefined) continue;
    const bridge = bridges.get(name);
    if (bridge === undefined) {
      const guess = nearest(name, names);
      const declare = "Declare it, with mode share when it is somebody else's.";
      const remedy = guess === undefined ? declare : `Did you mean "${guess}"? ${declare}`;
      report(bridgePath, `bridge "${name}" is declared neither by the configuration nor by an owner`, remedy);
    } else if (bridge.value.mode === 'observe') {
      const remedy = 'Choose another bridge, or have its holder choose mode share or own.';
      report(
        bridgePath,
        `bridge "${name}" has mode observe at ${formatPath(bridge.path)}, so it takes no ports`,
        remedy,
      );
    }
  }
}

function checkAttachments(plain: unknown, report: Report): void {
  const names = new FirstSeen();
  listOf(plain, 'attachments').forEach((entry, index) => {
    const path = ['attachments', index];
    const parsed = partialAttachment.safeParse(entry);
    if (!parsed.success) return;
    const { name } = parsed.data;
    const first = name === undefined ? undefined : names.before(name, [...path, 'name']);
    if (first !== undefined) {
      report([...path, 'name'], `"${name ?? ''}" is already given at ${first}`, 'Names of attachments are unique.');
    }
    checkFunction(parsed.data.representor, index, report);
    checkAddresses(parsed.data.ipAddresses ?? [], index, report);
    for (const [key, column] of Object.entries(attachmentKeys)) {
      if (!(column in (parsed.data.externalIds ?? {}))) continue;
      report([...path, 'externalIds', column], `"${column}" has a key of its own`, `Use ${key} of the attachment.`);
    }
  });
}

/** A PF, and what is the DPU's own, are no function that somebody on the host could be given. */
function checkFunction(selector: AttachmentInput['representor'] | undefined, index: number, report: Report): void {
  if (selector === undefined) return;
  const path = ['attachments', index, 'representor'];
  const { vf, sf, controller } = selector;
  if (vf === undefined && sf === undefined) {
    report(path, 'an attachment is a VF or an SF of a host', 'Give vf or sf; declare a port for the PF itself.');
  } else if (sf !== undefined && vf === undefined && (controller ?? 0) === 0) {
    const remedy = 'Give the number of the host, 1 or above; declare a port for an SF of the DPU.';
    report([...path, 'controller'], 'an SF without the controller of a host is the own one of the DPU', remedy);
  }
}

function checkAddresses(addresses: readonly string[], index: number, report: Report): void {
  addresses.forEach((text, place) => {
    const [address = '', length = ''] = text.split('/');
    const family = isIP(address);
    const lengthMax = family === 4 ? 32 : 128;
    const at = ['attachments', index, 'ipAddresses', place];
    if (family === 0) report(at, `"${address}" is no IP address`);
    else if (Number(length) > lengthMax)
      report(at, `prefix length ${length} does not exist; allowed: 0 to ${lengthMax}`);
    else if (addresses.indexOf(text) < place) report(at, `"${text}" is given twice`);
  });
}

/** Two interfaces of one name in OVN take the flows of one another. */
function checkIfaceIds(asker: HolderDraft, draft: ConfigDraft, report: Report): void {
  const own = new Set(asker.ports.map(({ port }) => port));
  const seen = new FirstSeen();
  const ports = draft.bridges.flatMap((bridge) => bridge.ports);
  for (const port of [...ports.filter((entry) => !own.has(entry)), ...ports.filter((entry) => own.has(entry))]) {
    const id = port.value.interfaceExternalIds?.[attachmentKeys.ifaceId];
    if (id === undefined) continue;
    const first = seen.before(id, port.path);
    if (first === undefined || !own.has(port)) continue;
    const isAttachment = port.path.includes('attachments');
    const at = isAttachment
      ? [...port.path, 'ifaceId']
      : [...port.path, 'interfaceExternalIds', attachmentKeys.ifaceId];
    report(at, `"${id}" is already given at ${first}`, 'The name of a port in OVN is unique.');
  }
}
