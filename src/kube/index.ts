/**
 * The public face of the Kubernetes client library. What is not named here may change without notice.
 */

export { serviceAccountDir } from './access-options.js';
export type { ClusterAccessOptions } from './access-options.js';
export { KubeClient } from './client.js';
export type { KubeClientOptions, KubeRequest, KubeResponse, StreamListener } from './client.js';
export type { AccessSummary } from './credentials.js';
export { kubeChannelName } from './events.js';
export type { KubeEvent } from './events.js';
export { identityOf, member, textMember } from './json-value.js';
export type { ObjectIdentity } from './json-value.js';
export type { ObjectView } from './object-cache.js';
export { Reflector } from './reflector.js';
export type { ReflectorTiming } from './reflector-machine.js';
export { reflectorLimitDefaults, reflectorTimingDefaults } from './reflector-options.js';
export type { ReflectorLimits, ReflectorOptions, ReflectorState, ReflectorStats } from './reflector-options.js';
export { resourcePath } from './resource-path.js';
export type { ResourceName } from './resource-path.js';
