/**
 * The shape of the section `api`: where the agent's gRPC and HTTP servers listen, who may what, and which metrics there are.
 * Part of the schema, whose one root is schema.ts; what involves more than one key is in rules-api.ts.
 */
import * as z from 'zod';
import { absolutePath, wholeNumber } from './schema-words.js';

const hourMs = 3_600_000;

const listenAddress = (meaning: string): z.ZodString =>
  z
    .string()
    .max(255)
    .regex(/^(\[[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\]|[A-Za-z0-9_.-]+):\d{1,5}$/)
    .meta({ description: meaning, allowed: 'host:port, such as 192.0.2.7:8443 or [2001:db8::7]:8443' });

const certificates = {
  certFile: absolutePath(
    "PEM file of the server's certificate and what leads to its authority; read anew when it changes",
  ),
  keyFile: absolutePath("PEM file of the server's private key"),
};

const ownerName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/)
  .meta({ allowed: 'up to 63 lower-case letters, digits, "." and "-"' });

export const grantSchema = z.strictObject({
  identity: z
    .string()
    .max(512)
    .regex(/^(uid:\d{1,10}|gid:\d{1,10}|spiffe:\/\/[!-~]+|uri:[!-~]+|dns:[A-Za-z0-9_.-]+|cn:[ -~]+)$/)
    .meta({
      description: 'Who: user or group of a process on the socket, or what a client certificate says',
      allowed: 'uid:N, gid:N, spiffe://…, uri:…, dns:NAME or cn:NAME',
    }),
  role: z
    .enum(['viewer', 'controller', 'operator'])
    .describe('viewer reads; controller writes intents of its owners; operator writes under any owner, and traces'),
  owners: z
    .array(ownerName)
    .min(1)
    .max(64)
    .exactOptional()
    .describe('role controller: owners under which it may write; any when absent'),
});

const grpc = z.strictObject({
  mode: z.enum(['on', 'off']).default('on').describe('Whether the gRPC API is served'),
  socket: absolutePath('Unix socket; api.sock in agent.runDir when absent').exactOptional(),
  group: z
    .string()
    .regex(/^([a-z_][a-z0-9_-]{0,31}|\d{1,10})$/)
    .meta({
      description: 'Group that may open the socket; that of the process when absent',
      allowed: 'name or number of a group',
    })
    .exactOptional(),
  listen: z
    .array(listenAddress('Address of this machine'))
    .max(8)
    .default([])
    .describe('TCP addresses to listen at besides; never a wildcard, and only with tls'),
  tls: z
    .strictObject({
      ...certificates,
      clientCaFile: absolutePath("PEM file of the authorities of clients' certificates"),
    })
    .exactOptional()
    .describe('With listen: certificates; clients must show one of their own'),
  grants: z
    .array(grantSchema)
    .max(256)
    .default([])
    .describe("Who may what; root and the agent's own user may everything on the socket"),
  reflection: z.boolean().default(true).describe('Whether the server tells its services by reflection'),
  controllerLossMs: wholeNumber(
    1_000,
    24 * hourMs,
    'How long the controller of an owner may be away before its chains are told, in milliseconds',
  ).default(60_000),
});

const http = z.strictObject({
  mode: z.enum(['on', 'off']).default('on').describe('Whether metrics, health and the read-only JSON API are served'),
  listen: listenAddress(
    'TCP address; another than a loopback one needs tls, and tokenFile or tls.clientCaFile',
  ).default('127.0.0.1:9480'),
  tls: z
    .strictObject({
      ...certificates,
      clientCaFile: absolutePath(
        "PEM file of the authorities of clients' certificates, which are then demanded",
      ).exactOptional(),
    })
    .exactOptional()
    .describe('Certificates of the HTTP server'),
  tokenFile: absolutePath('File of the bearer token that clients must show; read anew when it changes').exactOptional(),
});

const metrics = z.strictObject({
  representors: z.boolean().default(true).describe('Whether each representor has series of its own'),
  podLabels: z.boolean().default(true).describe('Whether those series name the pod'),
  representorsMax: wholeNumber(0, 65_536, 'How many representors have series at most; the rest is counted').default(
    2_048,
  ),
});

export const apiSchema = z.strictObject({
  grpc: grpc.prefault({}).describe('The gRPC API, for controllers and dpuctl'),
  http: http.prefault({}).describe('Metrics, health and read-only JSON over HTTP'),
  metrics: metrics.prefault({}).describe('What is exported to Prometheus'),
});

export type ApiInput = z.output<typeof apiSchema>;
