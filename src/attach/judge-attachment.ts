/**
 * Says of a port that is in the database whether the pod's packets can pass, on evidence only: a number that Open vSwitch
 * gave, a link that is up, OVN's word that its flows are in, the function's own address. Pure.
 */

import { safeText } from '../lib/text.js';
import type { Netdev } from '../model/netdev.js';
import type { ObservedInterface, SwitchLiveness } from '../model/observed.js';
import type { AttachSettings } from './attach-settings.js';
import { failing, readyVerdict, waitingFor, type Verdict } from './attachment.js';
import { ovnInstalledKey } from './row-identity.js';

export interface JudgeFacts {
  readonly main: ObservedInterface;
  readonly netdev: Netdev;
  /** MAC of the pod in this network; lower case with colons. */
  readonly mac: string;
  readonly liveness: SwitchLiveness;
  readonly settings: AttachSettings;
}

function judgeLiveness({ liveness, settings }: JudgeFacts): Verdict | undefined {
  const { bridge } = settings;
  const said = 'the virtual switch does not answer';
  if (liveness.answering.has(bridge)) return undefined;
  if (liveness.denied.has(bridge)) {
    return failing('VswitchdDenied', `The agent may not open the management socket of ${bridge}.`, said);
  }
  if (liveness.silent.has(bridge)) {
    return failing('VswitchdSilent', 'ovs-vswitchd does not answer, so nothing proves a working port.', said);
  }
  return waitingFor('VswitchdUnasked', `ovs-vswitchd has yet to answer for ${bridge}.`, said);
}

function judgeOfport({ main }: JudgeFacts): Verdict | undefined {
  if (main.error !== undefined || (main.ofport !== undefined && main.ofport <= 0)) {
    const words = safeText(main.error ?? 'the port could not be opened');
    return failing('InterfaceError', `Open vSwitch says: ${words}`, 'the virtual switch could not open the port');
  }
  if (main.ofport !== undefined) return undefined;
  const message = 'Open vSwitch has not given the port a number yet.';
  return waitingFor('OfportPending', message, 'the virtual switch has not opened the port yet');
}

function judgeLink({ main, netdev }: JudgeFacts): Verdict | undefined {
  const said = 'the link of the virtual function is down';
  if (!netdev.isUp) return waitingFor('LinkDown', `${netdev.name} is not switched on.`, said);
  // A simulated function has no carrier before the host switches it on, which it does only after it was told Ready. The
  // representor of a real one has it as soon as it is switched on itself.
  if (main.linkState === 'up' || netdev.evidence === 'simulated') return undefined;
  return waitingFor(
    'LinkDown',
    `The link of ${netdev.name} is ${main.linkState ?? 'not known to Open vSwitch yet'}.`,
    said,
  );
}

function judgeOvn({ main, settings }: JudgeFacts): Verdict | undefined {
  if (settings.ovnInstalled === 'ignore' || main.externalIds.get(ovnInstalledKey) === 'true') return undefined;
  const message = 'ovn-controller has not said ovn-installed=true.';
  return waitingFor('OvnNotInstalled', message, 'the network has not installed the port yet');
}

/** Whether the function is known to have another address than the pod's. */
export function isMacDifferent({ netdev, mac }: Pick<JudgeFacts, 'netdev' | 'mac'>): boolean {
  return netdev.functionMac !== undefined && netdev.functionMac !== mac;
}

function judgeMac(facts: JudgeFacts): Verdict | undefined {
  if (facts.settings.functionMac !== 'require' || !isMacDifferent(facts)) return undefined;
  const message = `The function has address ${facts.netdev.functionMac ?? ''}, the pod ${facts.mac}.`;
  return failing('FunctionMacDiffers', message, 'the virtual function has another address');
}

/** The verdict on a port whose rows are as wanted. */
export function judgeAttachment(facts: JudgeFacts): Verdict {
  return (
    judgeLiveness(facts) ?? judgeOfport(facts) ?? judgeLink(facts) ?? judgeMac(facts) ?? judgeOvn(facts) ?? readyVerdict
  );
}

type Evidence = Readonly<Record<string, string>>;

/** Rows and devices are immutable: what is seen of both is put into words once. */
const known = new WeakMap<ObservedInterface, { readonly netdev: Netdev | undefined; readonly evidence: Evidence }>();

/** What was seen of the port, by name. */
export function attachmentEvidence(main: ObservedInterface, netdev: Netdev | undefined): Evidence {
  const seen = known.get(main);
  if (seen !== undefined && seen.netdev === netdev) return seen.evidence;
  const evidence = readEvidence(main, netdev);
  known.set(main, { netdev, evidence });
  return evidence;
}

function readEvidence(main: ObservedInterface, netdev: Netdev | undefined): Evidence {
  const entries: [string, string | number | undefined][] = [
    ['ofport', main.ofport],
    ['error', main.error],
    ['link_state', main.linkState],
    ['mtu', main.mtu],
    ['iface-id', main.externalIds.get('iface-id')],
    ['iface-id-ver', main.externalIds.get('iface-id-ver')],
    ['sandbox', main.externalIds.get('sandbox')],
    [ovnInstalledKey, main.externalIds.get(ovnInstalledKey)],
    ['attached_mac', main.externalIds.get('attached_mac')],
    ['function_mac', netdev?.functionMac],
    ['operstate', netdev?.operstate],
    ['type', main.type],
  ];
  const seen = entries.filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(seen.map(([key, value]) => [key, safeText(String(value), 128)]));
}
