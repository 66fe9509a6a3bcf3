/**
 * Field numbers of the Kubernetes messages that clients send as protobuf: the `generated.proto` files of k8s.io/api for
 * the small kinds that kubectl's typed commands create (`kubectl create namespace`, `auth can-i` …), and delete options.
 */

/** How the bytes of a field are read. */
export type FieldType =
  | 'string'
  | 'number'
  | 'bool'
  /** Base64 in JSON. */
  | 'bytes'
  /** metav1.Time: whole seconds. */
  | 'time'
  /** metav1.MicroTime. */
  | 'microTime'
  | 'textMap'
  | 'bytesMap'
  | { readonly message: Message };

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly isList?: boolean;
}

export type Message = ReadonlyMap<number, Field>;

type Row = readonly [number: number, name: string, type: FieldType, isList?: 'list'];

function message(...rows: readonly Row[]): Message {
  return new Map(rows.map(([number, name, type, list]) => [number, { name, type, isList: list !== undefined }]));
}

const ownerReference = message(
  [1, 'kind', 'string'],
  [3, 'name', 'string'],
  [4, 'uid', 'string'],
  [5, 'apiVersion', 'string'],
  [6, 'controller', 'bool'],
  [7, 'blockOwnerDeletion', 'bool'],
);

const objectMeta = message(
  [1, 'name', 'string'],
  [2, 'generateName', 'string'],
  [3, 'namespace', 'string'],
  [5, 'uid', 'string'],
  [6, 'resourceVersion', 'string'],
  [8, 'creationTimestamp', 'time'],
  [11, 'labels', 'textMap'],
  [12, 'annotations', 'textMap'],
  [13, 'ownerReferences', { message: ownerReference }, 'list'],
  [14, 'finalizers', 'string', 'list'],
);

const metadata: Row = [1, 'metadata', { message: objectMeta }];

const objectReference = message(
  [1, 'kind', 'string'],
  [2, 'namespace', 'string'],
  [3, 'name', 'string'],
  [4, 'uid', 'string'],
  [5, 'apiVersion', 'string'],
  [6, 'resourceVersion', 'string'],
  [7, 'fieldPath', 'string'],
);

const policyRule = message(
  [1, 'verbs', 'string', 'list'],
  [2, 'apiGroups', 'string', 'list'],
  [3, 'resources', 'string', 'list'],
  [4, 'resourceNames', 'string', 'list'],
  [5, 'nonResourceURLs', 'string', 'list'],
);

const subject = message(
  [1, 'kind', 'string'],
  [2, 'apiGroup', 'string'],
  [3, 'name', 'string'],
  [4, 'namespace', 'string'],
);

const roleRef = message([1, 'apiGroup', 'string'], [2, 'kind', 'string'], [3, 'name', 'string']);
const role = message(metadata, [2, 'rules', { message: policyRule }, 'list']);
const binding = message(metadata, [2, 'subjects', { message: subject }, 'list'], [3, 'roleRef', { message: roleRef }]);

const resourceAttributes = message(
  [1, 'namespace', 'string'],
  [2, 'verb', 'string'],
  [3, 'group', 'string'],
  [4, 'version', 'string'],
  [5, 'resource', 'string'],
  [6, 'subresource', 'string'],
  [7, 'name', 'string'],
);

const accessReviewSpec = message(
  [1, 'resourceAttributes', { message: resourceAttributes }],
  [2, 'nonResourceAttributes', { message: message([1, 'path', 'string'], [2, 'verb', 'string']) }],
);

const leaseSpec = message(
  [1, 'holderIdentity', 'string'],
  [2, 'leaseDurationSeconds', 'number'],
  [3, 'acquireTime', 'microTime'],
  [4, 'renewTime', 'microTime'],
  [5, 'leaseTransitions', 'number'],
);

const event = message(
  metadata,
  [2, 'involvedObject', { message: objectReference }],
  [3, 'reason', 'string'],
  [4, 'message', 'string'],
  [5, 'source', { message: message([1, 'component', 'string'], [2, 'host', 'string']) }],
  [6, 'firstTimestamp', 'time'],
  [7, 'lastTimestamp', 'time'],
  [8, 'count', 'number'],
  [9, 'type', 'string'],
  [10, 'eventTime', 'microTime'],
  [12, 'action', 'string'],
  [14, 'reportingComponent', 'string'],
  [15, 'reportingInstance', 'string'],
);

const secret = message(metadata, [2, 'data', 'bytesMap'], [3, 'type', 'string'], [4, 'stringData', 'textMap']);
const boundObject = message(
  [1, 'kind', 'string'],
  [2, 'apiVersion', 'string'],
  [3, 'name', 'string'],
  [4, 'uid', 'string'],
);
const tokenSpec = message(
  [1, 'audiences', 'string', 'list'],
  [3, 'boundObjectRef', { message: boundObject }],
  [4, 'expirationSeconds', 'number'],
);
const preconditions = message([1, 'uid', 'string'], [2, 'resourceVersion', 'string']);

/** Messages by `kind`. */
export const messages: ReadonlyMap<string, Message> = new Map([
  ['Namespace', message(metadata)],
  ['ServiceAccount', message(metadata)],
  ['ConfigMap', message(metadata, [2, 'data', 'textMap'], [3, 'binaryData', 'bytesMap'])],
  ['Secret', secret],
  ['Lease', message(metadata, [2, 'spec', { message: leaseSpec }])],
  ['Event', event],
  ['Role', role],
  ['ClusterRole', role],
  ['RoleBinding', binding],
  ['ClusterRoleBinding', binding],
  ['TokenRequest', message(metadata, [2, 'spec', { message: tokenSpec }])],
  ['SelfSubjectAccessReview', message(metadata, [2, 'spec', { message: accessReviewSpec }])],
  ['SelfSubjectRulesReview', message(metadata, [2, 'spec', { message: message([1, 'namespace', 'string']) }])],
  [
    'DeleteOptions',
    message(
      [1, 'gracePeriodSeconds', 'number'],
      [2, 'preconditions', { message: preconditions }],
      [4, 'propagationPolicy', 'string'],
      [5, 'dryRun', 'string', 'list'],
    ),
  ],
]);
