/**
 * Reads `k8s.ovn.org/dpu.connection-details`: which function of the host each network of a pod uses. ovn-kubernetes' host
 * half writes it, and so may any tenant who can create a pod; whether the pod may have that function is decided elsewhere.
 * Each network is read by itself: a bad entry spoils no other, and is reported as invalid, never as absent.
 */

import { safeText } from '../lib/text.js';
import type { AnnotationText } from '../model/pod.js';
import { defaultNadKey, parseNadKey } from './nad-key.js';
import { isJsonObject, memberOf, nameOfKind, parseObject } from './parse-object.js';
import type { JsonObject, Unparsable } from './parse-object.js';

/** What the host says of one network of a pod. */
export type NetworkDetails =
  | {
      readonly kind: 'ok';
      /** PCI function number of the host's PF, 0…999. */
      readonly pf: number;
      /** Index of the VF, 0…999. */
      readonly vf: number;
      /** Matches `[0-9a-zA-Z._-]{1,128}`. */
      readonly sandboxId: string;
      /** Name of the VF's device on the host, bounded and safe to print. Informational: never compared. */
      readonly vfNetdevName: string | undefined;
    }
  /** There is an entry, and it cannot be used: what is plugged stays as it is. */
  | { readonly kind: 'invalid'; readonly problem: string };

export type DetailsReading =
  | { readonly kind: 'absent' }
  | Unparsable
  | {
      readonly kind: 'read';
      /** By nadKey. */
      readonly networks: ReadonlyMap<string, NetworkDetails>;
      /** Keys that name no network, safe to print, in the order of the text. */
      readonly ignored: readonly string[];
    };

const detailNames: readonly string[] = ['pfid', 'vfid', 'sandboxid'];

/** What a text must look like, as a pattern and in words. */
interface Form {
  readonly pattern: RegExp;
  readonly words: string;
}

const idForm: Form = { pattern: /^(?:0|[1-9][0-9]{0,2})$/, words: 'a number from 0 to 999 without leading zeros' };
// Others read external_ids back as words split at blanks: a blank in it would make the port undetachable for them.
const sandboxForm: Form = {
  pattern: /^[0-9a-zA-Z._-]{1,128}$/,
  words: '1 to 128 letters, digits, dots, underscores and hyphens',
};

/**
 * Reads the map form and the legacy form, which is one bare details object and stands for the network `default`.
 *
 * It is the legacy form if and only if some member named pfId, vfId or sandboxId (in any letter case) is no object and no
 * member with the key of a network is one. Where both forms are mixed, the networks are read; `default`, if it has no entry
 * of its own, is invalid and not absent, because the host may well have meant it.
 */
export function parseConnectionDetails(text: AnnotationText): DetailsReading {
  const object = parseObject(text);
  if (object.kind !== 'object') return object;
  const entries = [...object.entries];
  const isFlat = entries.some(([key, value]) => detailNames.includes(key.toLowerCase()) && !isJsonObject(value));
  const isMap = entries.some(([key, value]) => isJsonObject(value) && parseNadKey(key) !== undefined);
  if (isFlat && !isMap) return legacy(entries);
  return readMap(entries, isFlat);
}

function legacy(entries: readonly (readonly [string, unknown])[]): DetailsReading {
  const details = readDetails(Object.fromEntries(entries));
  return { kind: 'read', networks: new Map([[defaultNadKey, details]]), ignored: [] };
}

function readMap(entries: readonly (readonly [string, unknown])[], isMixed: boolean): DetailsReading {
  const networks = new Map<string, NetworkDetails>();
  const ignored: string[] = [];
  for (const [key, value] of entries) {
    // Go's decoder leaves empty entries named pfId, vfId and sandboxId beside the networks when it has met the legacy form.
    if (parseNadKey(key) === undefined) ignored.push(safeText(key, 64));
    else networks.set(key, readEntry(value));
  }
  if (isMixed && !networks.has(defaultNadKey)) {
    networks.set(defaultNadKey, invalid('The text mixes the details of one network with a map of networks.'));
  }
  return { kind: 'read', networks, ignored };
}

function readEntry(value: unknown): NetworkDetails {
  return isJsonObject(value) ? readDetails(value) : invalid(`The entry is ${nameOfKind(value)}, not an object.`);
}

function readDetails(object: JsonObject): NetworkDetails {
  const pf = readText(object, 'pfId', idForm);
  if (typeof pf !== 'string') return pf;
  const vf = readText(object, 'vfId', idForm);
  if (typeof vf !== 'string') return vf;
  const sandboxId = readText(object, 'sandboxId', sandboxForm);
  if (typeof sandboxId !== 'string') return sandboxId;
  return { kind: 'ok', pf: Number(pf), vf: Number(vf), sandboxId, vfNetdevName: readNetdevName(object) };
}

type Invalid = Extract<NetworkDetails, { readonly kind: 'invalid' }>;

function readText(object: JsonObject, name: string, form: Form): string | Invalid {
  const member = memberOf(object, name);
  if (member.kind === 'absent') return invalid(`${name} is missing.`);
  if (member.kind === 'ambiguous') return invalid(`${name} is given several times with different values.`);
  if (typeof member.value !== 'string') return invalid(`${name} is ${nameOfKind(member.value)}, not a string.`);
  if (!form.pattern.test(member.value)) {
    return invalid(`${name} is "${safeText(member.value, 40)}", which is not ${form.words}.`);
  }
  return member.value;
}

/** Whatever is wrong with it spoils nothing: the name is never used but shown. */
function readNetdevName(object: JsonObject): string | undefined {
  const member = memberOf(object, 'vfNetdevName');
  if (member.kind !== 'value' || typeof member.value !== 'string' || member.value === '') return undefined;
  return safeText(member.value, 64);
}

function invalid(problem: string): Invalid {
  return { kind: 'invalid', problem };
}
