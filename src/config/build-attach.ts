/**
 * Makes the sections about the host's pods from data that passed every check: the way to the API server becomes one type,
 * and what follows from other sections is filled in. Used by build.ts; never fails for what a person wrote.
 */
import { assert } from '../lib/assert.js';
import { known } from './build-selector.js';
import { certificatesIn } from './certificates.js';
import type { AttachConfig, ClusterAccess, FinderKind, HostClusterConfig, ServerAccess } from './config.js';
import type { AttachInput, HostClusterInput } from './schema-attach.js';
import { joinedVfRanges, parseVfRanges } from './vf-ranges.js';

/** @param input a section to which no rule objects */
export function hostClusterOf(input: HostClusterInput): HostClusterConfig {
  const { nodeName } = input;
  return { access: accessOf(input), ...(nodeName === undefined ? {} : { nodeName }) };
}

function accessOf(input: HostClusterInput): ClusterAccess {
  const { kubeconfig, context, inCluster, server } = input;
  if (kubeconfig !== undefined) {
    return { kind: 'kubeconfig', kubeconfig, ...(context === undefined ? {} : { context }) };
  }
  if (inCluster === true) return { kind: 'inCluster' };
  return { kind: 'server', server: known(server), ...identityOf(input), ...authorityOf(input) };
}

function identityOf({ tokenFile, certFile, keyFile }: HostClusterInput): Pick<ServerAccess, 'identity'> {
  if (tokenFile !== undefined) return { identity: { kind: 'token', tokenFile } };
  if (certFile === undefined) return {};
  return { identity: { kind: 'certificate', certFile, keyFile: known(keyFile) } };
}

function authorityOf({ caFile, caData }: HostClusterInput): Pick<ServerAccess, 'authority'> {
  if (caFile !== undefined) return { authority: { kind: 'file', caFile } };
  if (caData === undefined) return {};
  const read = certificatesIn(caData);
  assert('pem' in read, 'the rules have read the certificates');
  return { authority: { kind: 'data', pem: read.pem } };
}

/**
 * @param input a section to which no rule objects
 * @param others what the defaults follow from
 */
export function attachOf(
  input: AttachInput,
  others: { readonly hasCluster: boolean; readonly finder: FinderKind },
): AttachConfig {
  const { mode, pools, reserved, ...rest } = input;
  return {
    ...rest,
    mode: mode ?? (others.hasCluster ? 'observe' : 'off'),
    ...(pools === undefined
      ? {}
      : { pools: pools.map(({ pf, vfs }) => ({ pf, vfs: joinedVfRanges(parseVfRanges(vfs)) })) }),
    // The simulator's function 0 is the host's way to the gateway; on hardware that is the PF, which no pod can name.
    reserved: reserved ?? (others.finder === 'simulated' ? [{ vf: 0 }] : []),
  };
}
