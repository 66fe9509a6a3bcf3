/**
 * The shape of the configuration file: every key with its type, range, default and meaning. The one source of truth for the
 * checks, the JSON schema, the environment variables and the reference page. Rules that involve more than one key are in
 * the `rules` files.
 */
import * as z from 'zod';
import { apiSchema } from './schema-api.js';
import { attachSchema, hostClusterSchema } from './schema-attach.js';
import { chainSchema } from './schema-chain.js';
import { offloadSchema } from './schema-offload.js';
import { absolutePath, name, representorSelector, stringMap, wholeNumber, word } from './schema-words.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const tls = z
  .strictObject({
    caFile: absolutePath('PEM file of the certificate authority that signed the server'),
    certFile: absolutePath("PEM file of the agent's certificate"),
    keyFile: absolutePath("PEM file of the agent's private key"),
  })
  .describe('Keys and certificates for endpoints that begin with ssl:');

// ovsdb(7) "Active Database Connection Methods"; IPv6 addresses are bracketed.
const endpoint = z
  .string()
  .max(255)
  .regex(/^(unix:\/[^\0]+|(tcp|ssl):(\[[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\]|[A-Za-z0-9_.-]+):\d{1,5})$/)
  .meta({ allowed: 'unix:/path, tcp:host:port or ssl:host:port' });

const ovsdb = z.strictObject({
  endpoints: z
    .array(endpoint)
    .min(1)
    .max(8)
    .default(['unix:/run/openvswitch/db.sock'])
    .describe('Where ovsdb-server listens; tried in this order'),
  tls: tls.exactOptional(),
  probeMs: wholeNumber(0, hourMs, 'Inactivity probe in milliseconds; 0 switches it off').exactOptional(),
  deadlineMs: wholeNumber(100, 10 * minuteMs, 'Deadline of one request in milliseconds').exactOptional(),
});

const ovs = z.strictObject({
  runDir: absolutePath('Directory of the sockets of Open vSwitch: control, and management of each bridge').default(
    '/run/openvswitch',
  ),
});

const representors = z.strictObject({
  finder: z
    .enum(['switchdev', 'simulated'])
    .default('switchdev')
    .describe(
      "How devices are matched to functions: the kernel's switchdev attributes, or names such as rep0-3 as the DPU simulator gives them",
    ),
  root: absolutePath('Directory under which sys and proc are looked for').default('/'),
  hostController: wholeNumber(
    1,
    255,
    'Host that is meant where nothing names one: the pods are on it; when absent any for ports of this file, and 1 for pods',
  ).exactOptional(),
  legacyNames: z
    .boolean()
    .exactOptional()
    .describe(
      "Whether a kernel's port name without a controller number, which does not say whose function it is, is taken for the host's; when absent for ports of this file and never for pods",
    ),
});

const agent = z.strictObject({
  owner: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/)
    .meta({
      description: 'Value of the ownership mark; changing it disowns everything made under the old name',
      allowed: 'up to 63 lower-case letters, digits, "." and "-"',
    })
    .default('dpu-node-agent'),
  stateDir: absolutePath('Directory of what must survive a restart').default('/var/lib/dpu-node-agent'),
  runDir: absolutePath('Directory of the lock and of the sockets of the agent').default('/run/dpu-node-agent'),
  coalesceMs: wholeNumber(0, 10_000, 'How long events are gathered before one round, in milliseconds').default(20),
  fullResyncMs: wholeNumber(1000, hourMs, 'A full round takes place at least this often, in milliseconds').default(
    minuteMs,
  ),
  orphanGraceMs: wholeNumber(
    0,
    hourMs,
    'How long an owned row must be unwanted before it is deleted, in milliseconds',
  ).default(minuteMs),
  orphanSightings: wholeNumber(
    1,
    100,
    'In how many full rounds an owned row must be seen unwanted before it is deleted',
  ).default(2),
  bootGraceMs: wholeNumber(0, hourMs, 'Nothing is written for this long after the start, in milliseconds').default(0),
  repair: z
    .enum(['on', 'observe'])
    .default('on')
    .describe('observe: the agent writes nothing, as if every bridge had mode observe'),
});

const log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Least severe level that is written'),
  format: z.enum(['json', 'pretty']).default('json').describe('One JSON object per line, or text for a terminal'),
});

const vlanId = wholeNumber(0, 4095, 'A VLAN');

const vlan = z
  .strictObject({
    tag: wholeNumber(0, 4095, 'VLAN of an access port, or the native VLAN').exactOptional(),
    trunks: z.array(vlanId).min(1).max(4096).exactOptional().describe('VLANs that a trunk carries; all when absent'),
    mode: z.enum(['access', 'trunk', 'native-tagged', 'native-untagged']).exactOptional().describe('Port.vlan_mode'),
  })
  .describe('VLAN settings of the port');

const peer = z
  .strictObject({
    bridge: name('Bridge of the other side'),
    port: name('Name of the patch port on the other side'),
  })
  .describe('kind patch: the other side of the pair');

/** One port with the keys of every kind; which of them go together is checked by rules. */
export const portSchema = z.strictObject({
  name: name('OVS port and interface; may be absent for representor and uplink, whose device is found').exactOptional(),
  kind: z.enum(['system', 'internal', 'dpdk', 'patch', 'representor', 'uplink']).describe('What is behind the port'),
  uplink: wholeNumber(0, 15, 'kind uplink: number of the physical port').exactOptional(),
  representor: representorSelector.exactOptional(),
  interfaceType: z
    .enum(['system', 'dpdk', 'doca'])
    .exactOptional()
    .describe('kind representor, uplink: Interface.type; what the datapath of the bridge wants when absent'),
  peer: peer.exactOptional(),
  createPeer: z
    .boolean()
    .exactOptional()
    .describe(
      'kind patch: make the other side too; when absent, true unless either bridge has mode observe or is not declared',
    ),
  vlan: vlan.exactOptional(),
  // ovs-vswitchd.conf.db(5): OFPP_MAX is 0xff00, the column's range ends below it.
  ofport: wholeNumber(1, 65_279, 'OpenFlow port number to ask for; unique on the bridge').exactOptional(),
  mtu: wholeNumber(68, 65_535, 'MTU to ask for; not for patch ports').exactOptional(),
  options: stringMap('Keys of Interface.options'),
  otherConfig: stringMap('Keys of Port.other_config'),
  externalIds: stringMap('Keys of Port.external_ids'),
  interfaceExternalIds: stringMap('Keys of Interface.external_ids'),
  adopt: z.boolean().default(false).describe('Take over an existing port of this name that carries no ownership mark'),
});

const protocol = z.enum(['OpenFlow10', 'OpenFlow11', 'OpenFlow12', 'OpenFlow13', 'OpenFlow14', 'OpenFlow15']);

export const bridgeSchema = z.strictObject({
  name: name('Bridge'),
  mode: z
    .enum(['own', 'share', 'observe'])
    .default('own')
    .describe('own: the agent makes the bridge; share: it adds ports to it; observe: it only reads'),
  adopt: z
    .boolean()
    .default(false)
    .describe('Take over an existing bridge of this name that carries no ownership mark'),
  datapathType: word('Bridge.datapath_type: system, netdev, or doca where OVS has it').exactOptional(),
  failMode: z.enum(['secure', 'standalone']).exactOptional().describe('Bridge.fail_mode'),
  protocols: z.array(protocol).min(1).max(6).exactOptional().describe('OpenFlow versions that the bridge accepts'),
  datapathId: z
    .string()
    .regex(/^(?!0{16}$)[0-9A-Fa-f]{16}$/)
    .meta({
      description: 'Datapath id; pinned by the agent when absent',
      allowed: '16 hexadecimal digits, not all zero',
    })
    .exactOptional(),
  // Bit 1 of the first byte: locally administered; bit 0: multicast. OVS would otherwise follow the ports' addresses.
  hwaddr: z
    .string()
    .regex(/^[0-9A-Fa-f][26AEae](:[0-9A-Fa-f]{2}){5}$/)
    .meta({
      description: 'Ethernet address of the local port; pinned by the agent when absent',
      allowed: 'a locally administered unicast address, such as 02:00:00:00:00:01',
    })
    .exactOptional(),
  mtu: wholeNumber(68, 65_535, 'MTU to ask for on the local port').exactOptional(),
  otherConfig: stringMap('Keys of Bridge.other_config'),
  externalIds: stringMap('Keys of Bridge.external_ids'),
  ports: z.array(portSchema).max(4096).default([]).describe('Ports of the bridge'),
});

export const configSchema = z.strictObject({
  ovsdb: ovsdb.prefault({}).describe('Connection to ovsdb-server'),
  ovs: ovs.prefault({}).describe('The running Open vSwitch'),
  representors: representors.prefault({}).describe('How devices are found'),
  agent: agent.prefault({}).describe('The agent itself'),
  log: log.prefault({}).describe('Its log'),
  hostCluster: hostClusterSchema
    .exactOptional()
    .describe('The way to the API server of the host cluster; there is none when absent'),
  attach: attachSchema.prefault({}).describe('How the pods of the host cluster get their ports'),
  api: apiSchema.prefault({}).describe('How others see and steer the agent'),
  offload: offloadSchema.prefault({}).describe('How hardware offload is supervised'),
  bridges: z.array(bridgeSchema).max(64).default([]).describe('The bridges that the agent looks after'),
  chains: z.array(chainSchema).max(256).default([]).describe('The service chains that the agent programs'),
});

export type ConfigInput = z.output<typeof configSchema>;
export type BridgeInput = z.output<typeof bridgeSchema>;
export type PortInput = z.output<typeof portSchema>;

/** The JSON schema (draft 2020-12) of the configuration file, for editors. Rules over several keys are not in it. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(configSchema, { io: 'input' });
}
