/** Daemons of a lab, and waiting for what they do. */
export * from '../../../src/sandbox/lab/daemon.js';
