/** How much the gRPC server takes from its clients, and why that much. Tests give smaller ones. */

export interface GrpcLimits {
  /** Largest request, bytes. A bundle of a thousand ports with all options is below 1 MiB. */
  readonly requestBytesMax: number;
  /** Largest answer, bytes. A topology of 1000 ports is about 1 MiB; large ones go in several messages. */
  readonly responseBytesMax: number;
  /** Open calls of one connection: told to the client in SETTINGS and enforced by nghttp2. */
  readonly connectionStreamsMax: number;
  /** Open calls of one peer over all its connections: a controller has a handful of watches on each. */
  readonly peerStreamsMax: number;
  /** Open calls of all. Each costs some 20 KB. */
  readonly streamsMax: number;
  /** Of those the part that is kept for operators. */
  readonly operatorStreamsMin: number;
  /** Requests of one peer that are being received at once; others wait. With `requestBytesMax` it bounds what a peer can make us hold. */
  readonly peerReceivingMax: number;
  /**
   * Answers of one peer that have not left, bytes: two of the largest. A stream has one message under way at a time, so that only
   * who asks and does not read gets there.
   */
  readonly peerUnsentMax: number;
  /** The same of all, bytes; operators may go beyond it. */
  readonly unsentMax: number;
  /** Time in which an answer has to leave for a reader that opens its window, ms; the largest in it is 280 KB/s. */
  readonly sendMs: number;
  /** Connections of one listener that have shown what they want. */
  readonly connectionsMax: number;
  /** Of those the part that is kept for operators, so that others cannot lock them out. */
  readonly operatorConnectionsMin: number;
  /** Connections of one peer: uid, or address. dpuctl opens one for each command. */
  readonly peerConnectionsMax: number;
  /** Connections of one listener that have not finished TLS and the preface; when another comes, one of the address that has most goes. */
  readonly unfinishedMax: number;
  /** Time for TLS and the preface, ms. An honest client on a bad link needs less than 2 s. */
  readonly handshakeMs: number;
  /** Time in which a request has to arrive, ms: all requests of this API are one message. */
  readonly requestMs: number;
  /** A connection without calls is closed after this, ms: sessions of frequent short probes pile up otherwise (grpc-node#2975). */
  readonly idleMs: number;
  /** A TCP connection is closed after this, ms, give or take a tenth: certificates and grants are looked at anew. */
  readonly ageMs: number;
  /** Time to finish calls that were told to end, ms. */
  readonly graceMs: number;
  /**
   * Time between pings, and for the answer, ms: a peer that lost power holds nothing for long. Node 20 also needs it against
   * errors of the protocol: its session then stops to read, so that it sees neither the end of the socket nor ends itself.
   */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** How often the certificate files are read, ms. */
  readonly rereadMs: number;
  /** How often the addresses are held against the links of the host, ms. */
  readonly guardMs: number;
  /** One line for each kind of refusal and peer in this time, ms. */
  readonly quietMs: number;
}

const minuteMs = 60_000;
const mebibyte = 1_048_576;

export const grpcLimits: GrpcLimits = {
  requestBytesMax: 4 * mebibyte,
  responseBytesMax: 16 * mebibyte,
  connectionStreamsMax: 100,
  peerStreamsMax: 256,
  streamsMax: 1_024,
  operatorStreamsMin: 64,
  peerReceivingMax: 8,
  peerUnsentMax: 32 * mebibyte,
  unsentMax: 128 * mebibyte,
  sendMs: minuteMs,
  connectionsMax: 256,
  operatorConnectionsMin: 16,
  peerConnectionsMax: 64,
  unfinishedMax: 64,
  handshakeMs: 10_000,
  requestMs: 30_000,
  idleMs: 5 * minuteMs,
  ageMs: 60 * minuteMs,
  graceMs: 1_000,
  keepaliveMs: 20_000,
  keepaliveTimeoutMs: 10_000,
  rereadMs: 5_000,
  guardMs: minuteMs,
  quietMs: minuteMs,
};
