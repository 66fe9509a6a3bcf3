/**
 * What holders want, beside one another, as the rules of the configuration see it: the ports of a bundle stand on the bridge
 * that they name, whoever declares it, and an attachment is a port. The paths of each holder begin with its name, those of
 * the one who asks do not, so a rule that reports both sides names both.
 */
import { bundleSchema, partialAttachment, type AttachmentInput, type BundleInput } from './bundle-schema.js';
import {
  listOf,
  portDraft,
  draftOf,
  type BridgeDraft,
  type ChainDraft,
  type ChainSwitchDraft,
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
 * @param read whose wrong values are left out
 * @param prefix empty: the paths are those of the bundle itself
 * @param attachBridge where attachments are plugged that name no bridge
 */
export function bundleDraft(
  holder: string,
  read: { readonly plain: unknown; readonly input: BundleInput | undefined },
  prefix: ConfigPath,
  attachBridge: string,
): HolderDraft {
  const { plain, input } = read;
  return input === undefined
    ? partialDraft(holder, plain, prefix, attachBridge)
    : wholeDraft(holder, plain, input, prefix, attachBridge);
}

function partialDraft(holder: string, plain: unknown, prefix: ConfigPath, attachBridge: string): HolderDraft {
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

/** The same of a bundle whose values are all right: nothing has to be parsed again. */
function wholeDraft(
  holder: string,
  plain: unknown,
  input: BundleInput,
  prefix: ConfigPath,
  attachBridge: string,
): HolderDraft {
  const bridges = input.bridges.map(({ ports, ...value }, index): BridgeDraft => {
    const entry = listOf(plain, 'bridges')[index];
    const path = [...prefix, 'bridges', index];
    return { path, given: keysOf(entry), value, ports: valuesDraft(ports, listOf(entry, 'ports'), [...path, 'ports']) };
  });
  const chains = input.chains.map(({ switches, ...value }, index): ChainDraft => {
    const entry = listOf(plain, 'chains')[index];
    const path = [...prefix, 'chains', index];
    const drafts = switches.map(({ ports, ...settings }, place): ChainSwitchDraft => {
      const written = listOf(entry, 'switches')[place];
      const at = [...path, 'switches', place];
      const inner = valuesDraft(ports, listOf(written, 'ports'), [...at, 'ports']);
      return { path: at, given: keysOf(written), value: settings, ports: inner };
    });
    return { path, given: keysOf(entry), value, switches: drafts };
  });
  const ports = input.ports.map(({ bridge, ...value }, index): PlacedPort => {
    const path = [...prefix, 'ports', index];
    const { bridge: _bridge, ...keys } = fieldsOf(listOf(plain, 'ports')[index]);
    return { port: { path, given: keysOf(keys), value }, bridge, bridgePath: [...path, 'bridge'] };
  });
  const attachments = input.attachments.map((entry, index): PlacedPort => {
    const path = [...prefix, 'attachments', index];
    const value = attachmentPort(entry);
    const given = new Set(['interfaceExternalIds', ...keysOf(value)].filter((key) => !attachmentDefaults.has(key)));
    return { port: { path, given, value }, bridge: entry.bridge ?? attachBridge, bridgePath: [...path, 'bridge'] };
  });
  return { holder, bridges, chains, ports: [...ports, ...attachments] };
}

const keysOf = (value: unknown): ReadonlySet<string> => new Set(Object.keys(fieldsOf(value)));

function valuesDraft<T>(values: readonly T[], written: readonly unknown[], path: ConfigPath): readonly Draft<T>[] {
  return values.map((value, index) => ({ path: [...path, index], given: keysOf(written[index]), value }));
}

/** What no attachment says of its port. */
const attachmentDefaults: ReadonlySet<string> = new Set(['options', 'otherConfig', 'externalIds', 'adopt']);

/** The port that an attachment is. */
export function attachmentPort(attachment: AttachmentInput): PortInput {
  const { representor, mtu, vlan } = attachment;
  return {
    kind: 'representor',
    representor,
    ...(mtu === undefined ? {} : { mtu }),
    ...(vlan === undefined ? {} : { vlan }),
    options: {},
    otherConfig: {},
    externalIds: {},
    interfaceExternalIds: attachmentIds(attachment),
    adopt: false,
  };
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
