/**
 * Writes the connection status of pods to the API server, as ovn-kubernetes' host half expects it: a JSON patch of
 * `pods/status` that tests the pod's uid first. Used by the loop of the attachments, which decides what to do with a
 * conflict. Writes nothing that is there already, and never tries twice by itself.
 */

import type { StatusResult, StatusWriter } from '../agent/attach-ports.js';
import { statusPatch } from '../attach/connection-status.js';
import type { ConnectionStatus } from '../attach/connection-status.js';
import type { AgentError } from '../lib/errors.js';
import type { PodView } from '../model/pod.js';
import { resourcePath } from '../kube/index.js';
import { expectedFailure, retryAfterMs } from './cluster-request.js';
import type { KubeRequester } from './cluster-request.js';

export interface ClusterStatusOptions {
  readonly client: KubeRequester;
  /** Given the pod as the server answered a write, so that nobody plans on the old one until the watch brings it. */
  readonly onWritten: (pod: unknown) => void;
  /** Of one write, ms. */
  readonly deadlineMs?: number;
}

/** The host half polls for two minutes; a server that takes longer than this is asked anew. */
const deadlineMsDefault = 10_000;

export class ClusterStatus implements StatusWriter {
  readonly #options: ClusterStatusOptions;

  constructor(options: ClusterStatusOptions) {
    this.#options = options;
  }

  async write(
    pod: PodView,
    changes: ReadonlyMap<string, ConnectionStatus | undefined>,
    signal: AbortSignal,
  ): Promise<StatusResult> {
    const patch = statusPatch(pod, changes);
    if (patch === undefined) return { kind: 'written' };
    const { client, onWritten, deadlineMs } = this.#options;
    try {
      const response = await client.request({
        method: 'PATCH',
        path: resourcePath({
          api: 'v1',
          resource: 'pods',
          namespace: pod.namespace,
          name: pod.name,
          subresource: 'status',
        }),
        contentType: 'application/json-patch+json',
        body: patch.operations,
        signal,
        deadlineMs: deadlineMs ?? deadlineMsDefault,
      });
      onWritten(response.body);
      return { kind: 'written' };
    } catch (thrown) {
      return resultOf(expectedFailure(thrown));
    }
  }
}

function resultOf(error: AgentError): StatusResult {
  switch (error.code) {
    case 'KUBE_NOT_FOUND':
      return { kind: 'gone' };
    case 'KUBE_CONFLICT':
      return { kind: 'conflict' };
    case 'KUBE_INVALID':
      return isPatchMismatch(error) ? { kind: 'conflict' } : failed(error);
    default:
      return failed(error);
  }
}

function failed(error: AgentError): StatusResult {
  const { message, code } = error;
  return { kind: 'failed', message, code, retryAfterMs: retryAfterMs(error) };
}

/**
 * Whether the patch did not fit the object as it is now: a `test` that failed, or a path that is gone. The API server does
 * not say which (handlers/patch.go makes every failure to apply a JSON patch this one sentence, with no cause), so a pod of
 * the same name with another uid looks like a changed annotation; only another look can tell. A content that breaks a rule
 * has the same HTTP status, and would be refused for ever: its message names the object and the rule.
 */
function isPatchMismatch(error: AgentError): boolean {
  const words = error.facts['message'];
  // Without any words nothing speaks against another look.
  if (typeof words !== 'string') return true;
  return words === patchMismatch || /^testing (?:value|path) /i.test(words);
}

const patchMismatch = 'the server rejected our request due to an error in our request';
