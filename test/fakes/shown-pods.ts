/** Pods as the agent shows them, with the fields that matter to a test and defaults for the rest. */

import type { AttachmentView, PodFacts } from '../../src/attach/attachment-view.js';

/** A pod of namespace `ns`. */
export function shownPod(name: string, attachments: readonly Partial<AttachmentView>[] = []): PodFacts {
  return {
    namespace: 'ns',
    name,
    uid: `uid-${name}`,
    nodeName: 'node-1',
    isHostNetwork: false,
    isTerminal: false,
    isDeleting: false,
    details: 'read',
    detailsProblem: undefined,
    addressed: [],
    bandwidthProblems: [],
    attachments: attachments.map((fields) => ({
      nadKey: 'default',
      state: 'ready',
      reason: 'Ready',
      message: 'All evidence was seen.',
      pf: 0,
      vf: 1,
      sandboxId: undefined,
      ifaceId: undefined,
      device: undefined,
      heldBy: undefined,
      isPlugged: false,
      evidence: {},
      sinceWallMs: 0,
      readyWallMs: undefined,
      lostWallMs: undefined,
      shown: undefined,
      wanted: undefined,
      ...fields,
    })),
  };
}
