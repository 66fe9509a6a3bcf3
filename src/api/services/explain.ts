/** ExplainService: checks the request, asks the explainer, encodes what it answers. */

import type { Explainer } from '../../agent/api-view.js';
import { isNamespaceName, isObjectName } from '../../attach/nad-key.js';
import { ExplainService } from '../../gen/proto/dpu/agent/v1/explain_pb.js';
import { AgentError } from '../../lib/errors.js';
import { encodeAttachSummary } from '../encode/common.js';
import { encodeAccount, encodeExplanation, encodeLook, encodeTrace } from '../encode/explain.js';
import type { ServiceEntry } from '../grpc/service.js';
import { RequestError } from '../request-error.js';

/** Longer ones name nothing: rows of the database have names of at most 63 bytes, a definition at most 63 + 1 + 253. */
const nameLengthMax = 512;
/** A description of a packet has at most ten parts. */
const packetLengthMax = 512;

function invalid(field: string, description: string): RequestError {
  return new RequestError('API_INVALID', `${field}: ${description}`, [{ field, description, reason: 'API_INVALID' }]);
}

function requireText(field: string, text: string, lengthMax: number): string {
  if (text.length > lengthMax) throw invalid(field, `longer than ${lengthMax} characters`);
  return text;
}

function requireName(field: string, text: string): string {
  if (text === '') throw invalid(field, 'missing');
  return requireText(field, text, nameLengthMax);
}

/** Empty is what proto3 says for absent. */
const orAbsent = (text: string): string | undefined => (text === '' ? undefined : text);

/** What a person described wrongly is a violation of that field. */
function asViolation(error: unknown): unknown {
  if (!(error instanceof AgentError) || error.code !== 'API_INVALID' || error instanceof RequestError) return error;
  const { message, remedy } = error;
  const violation = { field: 'packet', description: message, reason: 'API_INVALID' };
  return new RequestError('API_INVALID', message, [violation], {
    cause: error,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** The service for `createGrpcServer`. */
export function explainService(explainer: Explainer): ServiceEntry<typeof ExplainService> {
  return {
    service: ExplainService,
    handlers: {
      explainPod: async ({ namespace, name, network }, { signal }) => {
        if (!isNamespaceName(namespace)) throw invalid('namespace', 'no name of a namespace');
        if (!isObjectName(name)) throw invalid('name', 'no name of a pod');
        const question = { namespace, name, network: orAbsent(requireText('network', network, nameLengthMax)) };
        const { explanation, attach } = await explainer.pod(question, signal);
        return { explanation: encodeExplanation(explanation), attach: encodeAttachSummary(attach) };
      },
      explainPort: async ({ name }, { signal }) => {
        const { account, pods } = await explainer.port(requireName('name', name), signal);
        return { account: encodeAccount(account), pods: pods.map(encodeExplanation) };
      },
      explainChain: ({ name }) => ({ account: encodeAccount(explainer.chain(requireName('name', name))) }),
      lookAtChain: async ({ name }) => encodeLook(await explainer.lookAtChain(requireName('name', name))),
      trace: async ({ chain, from, packet }, { signal }) => {
        const question = {
          chain: requireName('chain', chain),
          from: orAbsent(requireText('from', from, nameLengthMax)),
          packet: orAbsent(requireText('packet', packet, packetLengthMax)),
        };
        try {
          return encodeTrace(await explainer.trace(question, signal));
        } catch (error) {
          throw asViolation(error);
        }
      },
    },
    roles: { trace: 'operator' },
  };
}
