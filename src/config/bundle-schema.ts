/**
 * The shape of a bundle, which an owner hands in over the API: bridges and chains as the configuration file has them, ports
 * for bridges of others, and functions that are plugged without a pod. Rules over several keys are in `bundle-rules.ts`.
 */
import * as z from 'zod';
import { bridgeSchema, portSchema } from './schema.js';
import { chainSchema, stationAddress } from './schema-chain.js';
import { name, representorSelector, stringMap } from './schema-words.js';

export const attachmentSchema = z.strictObject({
  name: name('Unique among the attachments of the owner'),
  representor: representorSelector,
  bridge: name('Bridge; the one that pods are plugged into when absent').exactOptional(),
  // Bounds of what ovn-controller compares it with: a name of table Logical_Switch_Port.
  ifaceId: z
    .string()
    .max(255)
    .regex(/^[!-~]+$/)
    .meta({ allowed: 'up to 255 printable ASCII characters without spaces' })
    .exactOptional(),
  mac: stationAddress.exactOptional(),
  ipAddresses: z
    .array(
      z
        .string()
        .max(64)
        .regex(/^[0-9A-Fa-f.:]+\/\d{1,3}$/)
        .meta({ allowed: 'an address with its prefix length, such as 10.1.2.3/24' }),
    )
    .max(32)
    .default([])
    .describe('Addresses with prefix length'),
  mtu: portSchema.shape.mtu,
  vlan: portSchema.shape.vlan,
  externalIds: stringMap('Further keys of Interface.external_ids'),
});

/** For one that may be partly missing. */
export const partialAttachment = attachmentSchema.partial();

export const bundleSchema = z.strictObject({
  bridges: z.array(bridgeSchema).max(64).default([]),
  ports: z
    .array(z.strictObject({ bridge: name('Bridge that the port is on'), ...portSchema.shape }))
    .max(4096)
    .default([]),
  chains: z.array(chainSchema).max(256).default([]),
  attachments: z.array(attachmentSchema).max(4096).default([]),
});

export type BundleInput = z.output<typeof bundleSchema>;
export type AttachmentInput = z.output<typeof attachmentSchema>;
