/**
 * The shape of service chains in the configuration file: chains, their switches and ports. Part of the schema, whose one
 * root is schema.ts; what involves more than one key is in the `rules-chain` files.
 */
import * as z from 'zod';
import { name, representorSelector, textMap, wholeNumber } from './schema-words.js';

/** A name that is for people, and part of `chain/switch/port`: it never has a slash. */
const label = (meaning: string): z.ZodString =>
  z
    .string()
    .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/)
    .meta({
      description: meaning,
      allowed: 'up to 63 letters, digits, ".", "_" and "-", a letter or digit at both ends',
    });

// Bit 0 of the first byte: multicast (IEEE 802-2014 section 8.2.2). All zero is nobody's.
export const stationAddress = z
  .string()
  .regex(/^(?!00(:00){5}$)[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}$/)
  .meta({ allowed: 'a unicast address, such as 02:00:00:00:00:01' });

const vlan = z
  .strictObject({
    kind: z
      .enum(['access', 'tagged'])
      .describe(
        'access: untagged here, in this VLAN on the ports of the switch that have no vlan; tagged: only this VLAN, without its tag inside the switch',
      ),
    // IEEE 802.1Q table 9-2: 0 is no VLAN, 4095 is reserved.
    tag: wholeNumber(1, 4094, 'The VLAN'),
  })
  .describe('VLAN of the port; every frame as it is when absent, unless the switch has an access port');

/** One port with the keys of every kind; which of them go together is checked by rules. */
export const chainPortSchema = z.strictObject({
  kind: z.enum(['uplink', 'representor', 'service', 'labels', 'patch']).describe('How the port is found'),
  name: name(
    'For people, unique in its switch; kind patch: name of the patch port, where there are several',
  ).exactOptional(),
  uplink: wholeNumber(0, 15, 'kind uplink: number of the physical port').exactOptional(),
  representor: representorSelector.exactOptional(),
  // `<namespace>/<pod>/<interface>` is 333 characters long at most; older CNIs write the interface alone.
  dpfId: z
    .string()
    .max(512)
    .regex(/^[!-~]+$/)
    .meta({
      description:
        'kind service: external_ids:dpf-id of the interface, namespace/pod/interface as the CNI of DPF writes it',
      allowed: 'printable ASCII characters without spaces',
    })
    .exactOptional(),
  labels: textMap(
    'kind labels: pairs that external_ids of the interface and its port hold, all of them',
  ).exactOptional(),
  bridge: name('kind patch: bridge on the other side').exactOptional(),
  vlan: vlan.exactOptional(),
  tenant: label('Whose port it is, where that is not the tenant of the chain').exactOptional(),
  pinnedMacs: z
    .array(stationAddress)
    .max(256)
    .default([])
    .describe('Stations that are behind this port and behind no other of the switch'),
});

export const chainSwitchSchema = z.strictObject({
  name: label('For people, unique in the chain; the place of the switch, from 1, when absent').exactOptional(),
  ports: z
    .array(chainPortSchema)
    .min(2)
    .max(50)
    .describe('What is connected: two ports are a cross-connect, three or more a learning switch'),
});

export const chainSchema = z.strictObject({
  name: label('Chain'),
  bridge: name('Bridge that connects the ports').default('br-sfc'),
  mtu: wholeNumber(68, 65_535, 'Largest packet that must pass, in bytes; not checked when absent').exactOptional(),
  tenant: label('Whose chain it is').exactOptional(),
  joinsTenants: z
    .array(label('Tenant'))
    .max(64)
    .default([])
    .describe('Other tenants whose ports the chain may connect with its own'),
  onControllerLoss: z
    .enum(['keep', 'close'])
    .default('keep')
    .describe('What happens to the traffic while the controller that wants the chain cannot be reached'),
  macMove: z
    .enum(['allow', 'refuse'])
    .default('allow')
    .describe('refuse: a station stays where it was first seen until it was silent for the ageing time'),
  ageingSeconds: wholeNumber(1, 65_535, 'How long a station is remembered after its last frame').default(300),
  stationCountMax: wholeNumber(1, 65_535, 'How many stations the chain may learn').default(4096),
  switches: z.array(chainSwitchSchema).min(1).max(50).describe('The switches; the chain has no other connections'),
});

export type ChainInput = z.output<typeof chainSchema>;
export type ChainSwitchInput = z.output<typeof chainSwitchSchema>;
export type ChainPortInput = z.output<typeof chainPortSchema>;
