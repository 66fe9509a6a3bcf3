/**
 * The key by which ovn-kubernetes names one network of a pod in its annotations, and the iface-id (the name of the OVN
 * logical switch port) that follows from it. Used by every reader and by the planner. What a network is made of is not
 * known here.
 */

/** The key of the cluster's default network. */
export const defaultNadKey = 'default';

export type NadKey =
  | { readonly kind: 'default'; readonly text: string }
  | {
      readonly kind: 'nad';
      readonly text: string;
      readonly namespace: string;
      /** Name of the NetworkAttachmentDefinition. */
      readonly name: string;
      /** 1, 2, … for the second, third, … time that one pod asks for the same definition. */
      readonly index: number | undefined;
    };

const lengthMax = 512;
// Kubernetes: a label of RFC 1123, and names of objects, which are a "DNS subdomain".
const label = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
// Nine digits: a pod has no more networks than that, and the number is exact.
const repetition = /^[1-9][0-9]{0,8}$/;

/** Reads `default`, `<namespace>/<name>` or `<namespace>/<name>/<n>`; undefined for anything else. */
export function parseNadKey(text: string): NadKey | undefined {
  if (text === defaultNadKey) return { kind: 'default', text };
  if (text.length > lengthMax) return undefined;
  const [namespace = '', name = '', index, ...rest] = text.split('/');
  if (rest.length > 0 || !isNamespaceName(namespace) || !isObjectName(name)) return undefined;
  if (index === undefined) return { kind: 'nad', text, namespace, name, index };
  return repetition.test(index) ? { kind: 'nad', text, namespace, name, index: Number(index) } : undefined;
}

/** Whether Kubernetes accepts `text` as the name of a namespace. */
export function isNamespaceName(text: string): boolean {
  return text.length <= 63 && label.test(text);
}

/** Whether Kubernetes accepts `text` as the name of a pod, a node or another object. */
export function isObjectName(text: string): boolean {
  return text.length <= 253 && subdomain.test(text);
}

/**
 * Name of the logical switch port of a pod's network, which ovn-controller looks for in `external_ids:iface-id`. Only the
 * nadKey is rewritten. Not injective: `a/b-c` and `a/b.c` of one pod give the same name, as they do in OVN itself.
 */
export function ifaceId(nadKey: string, namespace: string, pod: string): string {
  const base = `${namespace}_${pod}`;
  return nadKey === defaultNadKey ? base : `${nadKey.replaceAll(/[-/]/g, '.')}_${base}`;
}
