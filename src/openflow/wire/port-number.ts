/**
 * Nicira's actions keep the 16-bit port numbers of OpenFlow 1.0, in which the reserved ports are the low halves of
 * those of later versions. Used by the codecs of such actions and of requests for one port.
 */

import { invalid } from '../match.js';

/** The first reserved number in 16 bits, and what lies between it and that in 32 bits. */
const reservedMin = 0xff00;
const reservedOffset = 0xffff_0000;

/** @throws AgentError OPENFLOW_VALUE_INVALID for a port that has no 16-bit number */
export function portTo16(port: number): number {
  if (port < reservedMin) return port;
  if (port >= reservedOffset + reservedMin) return port - reservedOffset;
  throw invalid('port', 'the port number does not fit 16 bits');
}

export function portFrom16(port: number): number {
  return port < reservedMin ? port : port + reservedOffset;
}
