/**
 * The shape of the sections `hostCluster` and `attach`: the way to the API server of the host, and how its pods get their
 * ports. Part of the schema, whose one root is schema.ts; what involves more than one key is in rules-host-cluster.ts and
 * rules-attach.ts.
 */
import * as z from 'zod';
import { absolutePath, name, wholeNumber } from './schema-words.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

// RFC 1123 labels, as Kubernetes wants them for namespaces (63 characters) and names of nodes (253).
const kubernetesName = (meaning: string, lengthMax: number): z.ZodString =>
  z
    .string()
    .max(lengthMax)
    .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/)
    .meta({
      description: meaning,
      allowed: `up to ${lengthMax} lower-case letters, digits, "-" and ".", a letter or digit at both ends`,
    });

const server = z
  .string()
  .max(255)
  // No user, no query, no fragment: credentials have keys of their own.
  .regex(/^https?:\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:\d{1,5})?(\/[A-Za-z0-9_.~/-]*)?$/)
  .meta({
    description: 'Address of the API server; https, or http on this machine itself',
    allowed: 'https://host:port or http://127.0.0.1:port, without user and query',
  });

export const hostClusterSchema = z.strictObject({
  kubeconfig: absolutePath('Way 1: a kubeconfig file').exactOptional(),
  context: z
    .string()
    .max(255)
    .regex(/^[!-~]([ -~]*[!-~])?$/)
    .meta({
      description: 'With kubeconfig: the context; the current one of the file when absent',
      allowed: 'the name of a context',
    })
    .exactOptional(),
  inCluster: z
    .boolean()
    .exactOptional()
    .describe('Way 2: true where the agent is itself a pod of the host cluster, by its service account'),
  server: server.exactOptional(),
  tokenFile: absolutePath('With server: file of a bearer token; read anew when it changes').exactOptional(),
  certFile: absolutePath("With server: PEM file of the agent's certificate, instead of a token").exactOptional(),
  keyFile: absolutePath('With server: PEM file of the private key of certFile').exactOptional(),
  caFile: absolutePath(
    'With server: PEM file of the authority that signed the certificate of the server',
  ).exactOptional(),
  caData: z
    .string()
    .min(1)
    .max(65_536)
    .meta({
      description: 'With server: the certificate of the authority itself, instead of caFile',
      allowed: 'certificates in PEM, or base64 of that',
    })
    .exactOptional(),
  nodeName: kubernetesName(
    'Node whose pods this DPU serves; Open_vSwitch external_ids:host-k8s-nodename when absent',
    253,
  ).exactOptional(),
});

const pf = (meaning: string): z.ZodInt => wholeNumber(0, 15, meaning);

export const poolSchema = z.strictObject({
  pf: pf('Physical function'),
  vfs: z
    .string()
    .max(1024)
    .regex(/^\s*\d{1,4}\s*(-\s*\d{1,4}\s*)?(,\s*\d{1,4}\s*(-\s*\d{1,4}\s*)?)*$/)
    .meta({ description: 'Its virtual functions', allowed: 'numbers and ranges up to 4095, such as 0-15,20' })
    .default('0-4095'),
});

export const reservedSchema = z.strictObject({
  pf: pf('Physical function; every one when absent').exactOptional(),
  vf: wholeNumber(0, 4095, 'Virtual function'),
});

// Kubernetes, "Extended resources": a domain, a slash and a name.
const resourceName = z
  .string()
  .max(317)
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\/[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/)
  .meta({ allowed: 'the name of an extended resource, such as nvidia.com/bf3_p0_vfs' });

export const leaseSchema = z.strictObject({
  namespace: kubernetesName('Namespace of the lease: that of ovn-kubernetes', 63).default('ovn-kubernetes'),
  renewMs: wholeNumber(
    0,
    10 * minuteMs,
    'How often it is renewed, in milliseconds; 0: the agent has no lease and looks at none',
  ).default(10_000),
  durationS: wholeNumber(
    1,
    3600,
    'How long the host takes the DPU for healthy after a renewal, in seconds; longer than renewMs',
  ).default(40),
  holder: z
    .string()
    .regex(/^[!-~]{1,253}$/)
    .meta({ description: 'Who holds it', allowed: 'up to 253 printable ASCII characters without spaces' })
    .default('ovnkube-dpu-node'),
});

export const attachSchema = z.strictObject({
  mode: z
    .enum(['off', 'observe', 'attach'])
    .exactOptional()
    .describe(
      'off: pods are not looked at; observe: they are, and nothing is written; attach: they get their ports. When absent observe, or off without hostCluster',
    ),
  bridge: name('Bridge that the pods are plugged into').default('br-int'),
  mtu: wholeNumber(
    68,
    65_535,
    'MTU of the representors, in bytes; that of the network, where it says one, when absent',
  ).exactOptional(),
  ovnInstalled: z
    .enum(['require', 'ignore'])
    .default('require')
    .describe('require: a pod is ready only once ovn-controller says so; ignore: where there is no OVN'),
  functionMac: z
    .enum(['require', 'report', 'ignore'])
    .default('require')
    .describe(
      'What it means that the MAC of a function is not that of its pod: require: the pod is not ready; report: a finding; ignore: nothing',
    ),
  pools: z
    .array(poolSchema)
    .min(1)
    .max(64)
    .exactOptional()
    .describe('Functions that pods may have; all virtual functions of the host when absent'),
  reserved: z
    .array(reservedSchema)
    .max(256)
    .exactOptional()
    .describe(
      'Functions that no pod gets, whatever pools says; when absent none, or VF 0 of every PF (the gateway) with finder simulated',
    ),
  resourceNames: z
    .array(resourceName)
    .max(64)
    .default([])
    .describe(
      'A pod must ask for one of these extended resources, or its details are refused; not looked at when empty',
    ),
  waitMs: wholeNumber(
    1000,
    115_000,
    'How long a pod may take to become ready before its status is an error, in milliseconds; the host gives up after 120000',
  ).default(110_000),
  goneGraceMs: wholeNumber(
    0,
    hourMs,
    'How long the port of a pod stays that is missing from the list without having been seen to be deleted, in milliseconds',
  ).default(30_000),
  statusConcurrency: wholeNumber(1, 64, 'How many statuses are written at the same time').default(8),
  lease: leaseSchema
    .prefault({})
    .describe('Lease by which the host knows that the DPU is healthy; in mode attach only'),
});

export type HostClusterInput = z.output<typeof hostClusterSchema>;
export type AttachInput = z.output<typeof attachSchema>;
