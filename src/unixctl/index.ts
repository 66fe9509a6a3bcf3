/** The public face of the unixctl library: finding the control socket of an Open vSwitch daemon, and calling it. */

export { UnixctlClient } from './client.js';
export type { CallOptions, UnixctlOptions } from './client.js';
export { findControlSocket } from './control-socket.js';
