/**
 * The shape of the section `offload`: what is declared of hardware offload, what is expected to be there, and where a guard
 * speaks up. Part of the schema, whose one root is schema.ts; what involves more than one key is in rules-offload.ts.
 */
import * as z from 'zod';
import { stringMap, wholeNumber } from './schema-words.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const mib = 2 ** 20;
const tib = 2 ** 40;

const part = (meaning: string): z.ZodNumber =>
  z.number().min(0).max(1).meta({ description: meaning, allowed: 'a number from 0 to 1' });

const expectedVfs = z.strictObject({
  pf: wholeNumber(0, 15, 'Physical function'),
  count: wholeNumber(0, 4096, 'How many virtual functions of the host it has'),
});

const card = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9_]*\/[A-Za-z0-9:._-]+$/)
  .meta({ allowed: 'a device of devlink, such as pci/0000:03:00.0' });

const expectation = z.strictObject({
  vfs: z.array(expectedVfs).max(16).default([]).describe('Virtual functions of the host, by PF; not judged when empty'),
  cards: z.array(card).max(16).default([]).describe('Devices of devlink that have to be there'),
});

const thresholds = z.strictObject({
  ratioMin: part('A finding below this part of the packets in hardware').default(0.9),
  ratioPacketsMin: wholeNumber(1, 1_000_000_000, 'So many packets make a measurement worth judging').default(10_000),
  connectionsFillMax: part('A finding above this fill of a table of tracked connections').default(0.9),
  heapFillMax: part("A finding above this fill of DPDK's heap").default(0.9),
  hugePageBytesMin: wholeNumber(0, tib, 'A finding below so many bytes of huge pages').default(512 * mib),
  memoryAvailableBytesMin: wholeNumber(0, tib, 'A finding below so many bytes of available memory').default(256 * mib),
  residentGrowthBytesPerHourMax: wholeNumber(
    0,
    tib,
    'A finding when ovs-vswitchd grows by more bytes per hour',
  ).default(64 * mib),
  restoreWaitMsMax: wholeNumber(
    1000,
    hourMs,
    'A finding when flow-restore-wait is true for longer, in milliseconds',
  ).default(minuteMs),
  staleMsMin: wholeNumber(
    1000,
    24 * hourMs,
    'A port is stale when its device is gone for so long, in milliseconds',
  ).default(5 * minuteMs),
  tunnelOverheadBytes: wholeNumber(
    0,
    1000,
    'What a tunnel adds to a packet: 58 for Geneve of OVN over IPv4, 78 over IPv6',
  ).default(58),
});

export const offloadSchema = z.strictObject({
  mode: z
    .enum(['off', 'observe', 'apply'])
    .default('apply')
    .describe(
      'off: offload is not looked at; observe: it is, and nothing is written; apply: settings that take effect live are written',
    ),
  settings: stringMap('Declared keys of Open_vSwitch.other_config that concern offload, and eswitch-mode'),
  flows: z
    .enum(['auto', 'asked', 'off'])
    .default('auto')
    .describe('auto: datapath flows are dumped where they are few; asked: only when somebody asks; off: never'),
  exporterPort: wholeNumber(
    0,
    65_535,
    "Port of NVIDIA's exporter on 127.0.0.1, read where ovs-vswitchd has no metrics/show; 0: never",
  ).default(6103),
  expect: expectation.prefault({}).describe('What has to be there'),
  bootGraceMs: wholeNumber(
    0,
    hourMs,
    'No verdict so soon after boot, where the platform does not say that it is ready, in milliseconds',
  ).default(5 * minuteMs),
  thresholds: thresholds.prefault({}).describe('Where a guard speaks up'),
});

export type OffloadInput = z.output<typeof offloadSchema>;
