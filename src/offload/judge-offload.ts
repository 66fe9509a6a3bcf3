/**
 * What the configuration alone allows to say about offload. Pure. The rule: what is not proven is `unknown`. The flows are
 * not looked at here; who has looked at them hands in what they prove, and that outweighs everything else.
 */

import { safeText } from '../lib/text.js';
import type { ObservedRoot } from '../model/observed.js';
import { offloadKeys, offloadReasons } from './offload.js';
import type { OffloadEngine, OffloadJudgement, OffloadStatus } from './offload.js';
import { isTrueWord } from './setting-rule.js';

/** What is read of table Open_vSwitch. */
export type OffloadRoot = Pick<ObservedRoot, 'otherConfig' | 'ifaceTypes' | 'isDpdkInitialized' | 'isDocaInitialized'>;

/**
 * The engine of one bridge. DPDK and DOCA are also taken to be there where ovs-vswitchd offers their interface types: a
 * schema may lack the columns that say so, and then their absence proves nothing.
 */
export function engineOf(datapathType: string, root: OffloadRoot): OffloadEngine {
  // The empty string is `system` to ovs-vswitchd; `doca` exists in NVIDIA's build only.
  if (datapathType === '' || datapathType === 'system') return 'tc';
  if (datapathType === 'doca') return 'doca';
  if (datapathType !== 'netdev') return 'unknown';
  if (root.isDocaInitialized || root.ifaceTypes.includes('doca')) return 'doca';
  if (root.isDpdkInitialized || root.ifaceTypes.includes('dpdk')) return 'dpdk';
  return 'userspace';
}

/** The engine of all bridges together. */
export function commonEngine(datapathTypes: readonly string[], root: OffloadRoot): OffloadEngine {
  const [first, ...others] = new Set(datapathTypes.map((type) => engineOf(type, root)));
  return first === undefined || others.length > 0 ? 'none' : first;
}

function isTrue(root: OffloadRoot, key: string): boolean {
  return isTrueWord(root.otherConfig.get(key));
}

function notesOf(engine: OffloadEngine, datapathTypes: readonly string[], root: OffloadRoot): readonly string[] {
  const notes: string[] = [];
  const isConfigured = isTrue(root, 'hw-offload');
  if (engine === 'none') {
    const kinds = [...new Set(datapathTypes)].map((type) => safeText(type || 'system', 32)).sort();
    notes.push(
      kinds.length === 0
        ? 'There is no bridge, so nothing moves packets.'
        : `The bridges use several datapaths (${kinds.join(', ')}), and packets do not pass between them.`,
    );
  }
  if (engine === 'userspace' && isConfigured) {
    notes.push('hw-offload is true, but the userspace datapath has neither DPDK nor DOCA: nothing can be offloaded.');
  }
  if (!isConfigured && engine !== 'userspace') {
    notes.push('hw-offload is not true; an ovs-vswitchd that has seen it true since its start offloads all the same.');
  }
  const policy = root.otherConfig.get('tc-policy');
  if (engine === 'tc' && isConfigured && policy === 'skip_hw') {
    notes.push('tc-policy is skip_hw: where ovs-vswitchd started with it, TC keeps every flow in software.');
  }
  if (isTrue(root, 'flow-restore-wait')) {
    notes.push('flow-restore-wait is true: an ovs-vswitchd that finds it at its start forwards nothing.');
  }
  return notes;
}

/**
 * Engine and settings. Values of the settings are foreign text, bounded and escaped here.
 * @param datapathTypes of the bridges, as the column says
 */
export function judgeStatus(datapathTypes: readonly string[], root: OffloadRoot | undefined): OffloadStatus {
  if (root === undefined) {
    const notes = ['The database is not readable, so nothing is known of offload.'];
    return { engine: 'unknown', isConfigured: false, settings: new Map(), notes };
  }
  const engine = commonEngine(datapathTypes, root);
  const present = offloadKeys.flatMap((key) => {
    const value = root.otherConfig.get(key);
    return value === undefined ? [] : [[key, safeText(value, 512)] as const];
  });
  return {
    engine,
    isConfigured: isTrue(root, 'hw-offload'),
    settings: new Map(present),
    notes: notesOf(engine, datapathTypes, root),
  };
}

/** One object, as far as the judgement needs it. */
export interface OffloadSubject {
  /** datapath_type of the bridge that its packets enter; undefined: it has no port on the switch. */
  readonly datapathType: string | undefined;
  /** What its flows were seen to prove; undefined: nobody has looked at them. */
  readonly measured?: OffloadJudgement | undefined;
  /** Whether offload is in effect in the ovs-vswitchd that runs; undefined: not known. */
  readonly isInEffect?: boolean | undefined;
}

function because(verdict: OffloadJudgement['verdict'], reason: OffloadJudgement['reason']): OffloadJudgement {
  return { verdict, reason, message: offloadReasons[reason] };
}

/** What can be said of one object. What was seen outweighs what is concluded, and what is certain outweighs a doubt. */
export function judgeObject(subject: OffloadSubject, root: OffloadRoot): OffloadJudgement {
  const { datapathType, measured, isInEffect } = subject;
  if (datapathType === undefined) return because('unknown', 'NotOnSwitch');
  if (measured !== undefined && measured.verdict !== 'unknown') return measured;
  const engine = engineOf(datapathType, root);
  if (engine === 'unknown') return because('unknown', 'EngineUnknown');
  if (engine === 'userspace') return because('software', 'EngineIsSoftware');
  if (isInEffect === false) return because('software', 'OffloadNotInEffect');
  if (measured !== undefined) return measured;
  // No proof of software: true is latched at run time and the way back to false is ignored until a restart
  // (dpif_offload_set_global_cfg of Open vSwitch), so the database does not tell what is in force.
  if (isInEffect === undefined && !isTrue(root, 'hw-offload')) return because('unknown', 'HwOffloadOff');
  return because('unknown', 'NotMeasured');
}
