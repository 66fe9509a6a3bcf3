/**
 * What holders want, beside one another, as the rules of the configuration see it: the ports of a bundle stand on the bridge
 * that they name, whoever declares it, and an attachment is a port. The paths of each holder begin with its name, those of
 * the one who asks do not, so a rule that reports both sides names both.
 */
import { bundleSchema, partialAttachment, type AttachmentInput } from './bundle-schema.js';
import {
  listOf,
  portDraft,
  draftOf,
  type BridgeDraft,
  type ChainDraft,
  type ConfigDraft,
  type Draft,
} from './draft.js';
import type { ConfigPath } from './path.js';
import type { BridgeInput, PortInput } from './schema.js';

export interface PlacedPort {
  readonly port: Draft<PortInput>;
  /** Undefined: it is missing, or no text. */
  readonly bridge: string | undefined;
  readonly bridgePath: ConfigPath;
}

/** What one holder wants. */
export interface HolderDraft {
  /** For a person, and the first step of its paths: `configuration`, `controller fleet-1`. */
  readonly holder: string;
  readonly bridges: readonly BridgeDraft[];
  readonly chains: readonly ChainDraft[];
  /** Ports on bridges of whomever, and attachments. */
  readonly ports: readonly PlacedPort[];
}

/** The keys of Interface.external_ids that attachments have keys of their own for. */
export const attachmentKeys = { ifaceId: 'iface-id', mac: 'attached_mac', ipAddresses: 'ip_addresses' } as const;

type AttachmentNotes = Pick<AttachmentInput, 'externalIds' | 'ifaceId' | 'ipAddresses' | 'mac'>;

/** The notes by which OVN knows the port of an attachment. */
export function attachmentIds(attachment: {
  readonly [Key in keyof AttachmentNotes]?: AttachmentNotes[Key] | undefined;
}): Readonly<Record<string, string>> {
  const { externalIds = {}, ifaceId, mac, ipAddresses = [] } = attachment;
  return {
    ...externalIds,
    ...(ifaceId === undefined ? {} : { [attachmentKeys.ifaceId]: ifaceId }),
    ...(mac === undefined ? {} : { [attachmentKeys.mac]: mac.toLowerCase() }),
    ...(ipAddresses.length === 0 ? {} : { [attachmentKeys.ipAddresses]: ipAddresses.join(',') }),
  };
}

/** A bridge that nobody declares and that pods are plugged into is somebody else's, to which ports may be added. */
export function sharedBridge(name: string): BridgeInput {
  return { name, mode: 'share', adopt: false, otherConfig: {}, externalIds: {}, ports: [] };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

function attachmentDraft(plain: unknown, path: ConfigPath): Draft<PortInput> {
  const { representor, mtu, vlan, externalIds } = fieldsOf(plain);
  const parsed = partialAttachment.safeParse(plain);
  const interfaceExternalIds = parsed.success ? attachmentIds(parsed.data) : externalIds;
  const port: readonly [string, unknown][] = Object.entries({ representor, mtu, vlan, interfaceExternalIds });
  const given = port.filter(([, value]) => value !== undefined);
  return portDraft({ kind: 'representor', ...Object.fromEntries(given) }, path);
}

/**
 * The draft of a bundle.
 * @param plain as the schema check leaves it, wrong values included
 * @param prefix empty: the paths are those of the bundle itself
 * @param attachBridge where attachments are plugged that name no bridge
 */
export function bundleDraft(holder: string, plain: unknown, prefix: ConfigPath, attachBridge: string): HolderDraft {
  const { bridges, chains } = draftOf({ bridges: listOf(plain, 'bridges'), chains: listOf(plain, 'chains') }, prefix);
  const ports = listOf(plain, 'ports').map((entry, index): PlacedPort => {
    const path = [...prefix, 'ports', index];
    const { bridge, ...keys } = fieldsOf(entry);
    return { port: portDraft(keys, path), bridge: textOf(bridge), bridgePath: [...path, 'bridge'] };
  });
  const attachments = listOf(plain, 'attachments').map((entry, index): PlacedPort => {
    const path = [...prefix, 'attachments', index];
    const { bridge = attachBridge } = fieldsOf(entry);
    return { port: attachmentDraft(entry, path), bridge: textOf(bridge), bridgePath: [...path, 'bridge'] };
  });
  return { holder, bridges, chains, ports: [...ports, ...attachments] };
}

/** Everything that is wanted as one draft, as if one file said it. Ports whose bridge nobody declares are left out. */
export function mergedDraft(
  base: ConfigDraft,
  holders: readonly HolderDraft[],
  attachBridge: string,
): { readonly draft: ConfigDraft; readonly unplaced: readonly PlacedPort[] } {
  const bridges = [...base.bridges, ...holders.flatMap((holder) => holder.bridges)];
  const isDeclared = (name: string): boolean => bridges.some(({ value }) => value.name === name);
  const placed = holders.flatMap((holder) => holder.ports);
  if (!isDeclared(attachBridge) && placed.some(({ bridge }) => bridge === attachBridge)) {
    const { bridges: shared } = draftOf({ bridges: [sharedBridge(attachBridge)] }, ['configuration', 'attach']);
    bridges.push(...shared);
  }
  const extra = new Map<BridgeDraft, Draft<PortInput>[]>();
  const unplaced: PlacedPort[] = [];
  const byName = new Map([...bridges].reverse().map((bridge) => [bridge.value.name, bridge]));
  for (const entry of placed) {
    const bridge = entry.bridge === undefined ? undefined : byName.get(entry.bridge);
    if (bridge === undefined) {
      unplaced.push(entry);
      continue;
    }
    const ports = extra.get(bridge) ?? [];
    ports.push(entry.port);
    extra.set(bridge, ports);
  }
  const full = bridges.map((bridge) => {
    const more = extra.get(bridge);
    return more === undefined ? bridge : { ...bridge, ports: [...bridge.ports, ...more] };
  });
  const chains = [...base.chains, ...holders.flatMap((holder) => holder.chains)];
  return { draft: { ...base, bridges: full, chains }, unplaced };
}

/** The names that the bundle's schema has at the top, with which the paths of the one who asks begin. */
export const bundleParts: ReadonlySet<unknown> = new Set(Object.keys(bundleSchema.shape));
