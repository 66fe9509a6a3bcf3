/**
 * Reads the CNI configuration inside a NetworkAttachmentDefinition (`spec.config`): the name of the network and its MTU.
 * Whoever wants to know what a nadKey stands for uses it. The rest of the configuration is ovn-kubernetes' matter.
 */

import type { AnnotationText } from '../model/pod.js';
import { isJsonObject, memberOf, parseObject } from './parse-object.js';
import type { JsonObject, ObjectLimits } from './parse-object.js';

/** What a NetworkAttachmentDefinition says of a network. */
export interface NetworkDefinition {
  /** Name of the network in its CNI configuration. */
  readonly networkName: string;
  /** Bytes; undefined when it says none. */
  readonly mtu: number | undefined;
}

const limits: ObjectLimits = { sizeBytesMax: 64 * 1024, keyCountMax: 128 };
/** Plugins of a list; ovn-kubernetes itself takes one. */
const pluginCountMax = 16;
// CNI specification 1.0.0, section 1: an alphanumeric character, then alphanumeric, `_`, `.` or `-`.
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}$/;
const ovnType = 'ovn-k8s-cni-overlay';
// RFC 791 section 3.1: every link carries 68 bytes; a Linux device no more than 65535.
const mtuMin = 68;
const mtuMax = 65_535;

/** The network of a configuration, or of a list of plugins; undefined when it cannot be used. */
export function parseNetworkDefinition(text: AnnotationText): NetworkDefinition | undefined {
  const reading = parseObject(text, limits);
  if (reading.kind !== 'object') return undefined;
  const config: JsonObject = Object.fromEntries(reading.entries);
  const name = memberOf(config, 'name');
  if (name.kind !== 'value' || typeof name.value !== 'string' || !namePattern.test(name.value)) return undefined;
  const plugin = pluginOf(config);
  if (plugin === undefined) return undefined;
  const mtu = readMtu(plugin);
  return mtu === 'invalid' ? undefined : { networkName: name.value, mtu };
}

/** Where the settings are: in the configuration itself, or in OVN's plugin of its list, or in the first one. */
function pluginOf(config: JsonObject): JsonObject | undefined {
  const plugins = memberOf(config, 'plugins');
  if (plugins.kind === 'absent') return config;
  if (plugins.kind === 'ambiguous' || !Array.isArray(plugins.value) || plugins.value.length > pluginCountMax) {
    return undefined;
  }
  const list: readonly unknown[] = plugins.value;
  const objects = list.filter(isJsonObject);
  return objects.find((plugin) => isOvn(plugin)) ?? objects[0];
}

function isOvn(plugin: JsonObject): boolean {
  const type = memberOf(plugin, 'type');
  return type.kind === 'value' && type.value === ovnType;
}

/** 0 means that the cluster's MTU holds, as Go has it. */
function readMtu(plugin: JsonObject): number | undefined | 'invalid' {
  const mtu = memberOf(plugin, 'mtu');
  if (mtu.kind === 'absent' || (mtu.kind === 'value' && mtu.value === 0)) return undefined;
  if (mtu.kind === 'ambiguous' || typeof mtu.value !== 'number' || !Number.isInteger(mtu.value)) return 'invalid';
  return mtu.value >= mtuMin && mtu.value <= mtuMax ? mtu.value : 'invalid';
}
