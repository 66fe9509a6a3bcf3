/** The state of a list and watch in the words of the agent. Used by the sources that read the host cluster. Pure. */

import type { ClusterState } from '../agent/attach-ports.js';
import type { ReflectorState } from '../kube/index.js';

/** @param server where it is read from, for a person */
export function clusterState(state: ReflectorState, server: string): ClusterState {
  const code = state.lastError?.code;
  switch (state.kind) {
    case 'synced':
      return { kind: 'synced', server };
    case 'stale':
      return {
        kind: 'stale',
        server,
        sinceWallMs: state.sinceWallMs,
        message: state.lastError?.message ?? 'no changes arrive',
        code,
      };
    case 'connecting':
      return { kind: 'connecting', server, message: state.lastError?.message ?? 'not listed yet', code };
  }
}
