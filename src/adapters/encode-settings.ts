/**
 * Turns edits of Open_vSwitch:other_config into one OVSDB transaction, key by key, each guarded by the value that it was
 * planned on. Used by the Open vSwitch store; it decides nothing and sends nothing.
 */

import type { SettingStore } from '../agent/offload-ports.js';
import type { ObjectRef } from '../model/condition.js';
import type { Uuid } from '../ovsdb/index.js';
import { encodeOrBlame, type EncodedActions, type VswitchTransaction } from './encode-actions.js';

export type SettingEdit = Parameters<SettingStore['applySettings']>[0][number];

/** Who is to blame: by operation, and by guard. */
interface Blame {
  readonly objects: ObjectRef[];
  readonly guards: ObjectRef[];
}

/**
 * Adds the edits to the transaction, and raises `next_cfg`, so that `cur_cfg` tells when vswitchd has acted on them
 * (ovs-vswitchd.conf.db(5), table Open_vSwitch). Keys that no edit names are neither read nor written.
 *
 * A key that has a value is guarded by a `wait` in front. That a key is absent cannot be asked for: a condition on a map is
 * about pairs (RFC 7047 section 5.1). So the pair is inserted, which never overwrites a key that is there (the same
 * section), and a `wait` behind looks whether it got in: it did not if somebody gave the key another value meanwhile, and
 * then nothing of the transaction happens.
 * @throws EncodeError naming the setting when the server's schema has no such column
 */
export function encodeSettings(
  transaction: VswitchTransaction,
  rootUuid: Uuid,
  edits: readonly SettingEdit[],
): EncodedActions {
  const blame: Blame = { objects: [], guards: [] };
  const noteFor = (object: ObjectRef): void => {
    while (blame.objects.length < transaction.operationCount) blame.objects.push(object);
  };
  for (const edit of edits) {
    const object = settingObject(edit);
    encodeOrBlame(object, () => encodeEdit(transaction, rootUuid, edit, blame));
    noteFor(object);
  }
  if (edits.length > 0) transaction.increment('Open_vSwitch', rootUuid, 'next_cfg', 1);
  for (const edit of edits.filter(({ from }) => from === undefined)) {
    transaction.wait('Open_vSwitch', {
      target: { where: holding(rootUuid, edit.key, edit.to) },
      until: '!=',
      columns: ['_uuid'],
      rows: [],
    });
    noteFor(settingObject(edit));
  }
  return { ...blame, needsVswitchd: edits.length > 0 };
}

function encodeEdit(
  transaction: VswitchTransaction,
  rootUuid: Uuid,
  { key, from, to }: SettingEdit,
  { guards }: Blame,
): void {
  if (from === undefined) {
    transaction.mutate('Open_vSwitch', rootUuid, 'other_config', 'insert', new Map([[key, to]]));
    return;
  }
  transaction.requirePresent('Open_vSwitch', holding(rootUuid, key, from));
  guards.push({ kind: 'setting', name: key });
  transaction.setKeys('Open_vSwitch', rootUuid, 'other_config', new Map([[key, to]]));
}

type Holding = Parameters<VswitchTransaction['requirePresent']>[1];

/** Finds the row as long as its other_config has the pair. */
function holding(rootUuid: Uuid, key: string, value: string): Holding {
  return [
    ['_uuid', '==', rootUuid],
    ['other_config', 'includes', new Map([[key, value]])],
  ] as unknown as Holding;
}

const settingObject = ({ key }: SettingEdit): ObjectRef => ({ kind: 'setting', name: key });
