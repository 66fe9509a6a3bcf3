/** A witness that shares no code with the client under test. */
export * from '../../../src/sandbox/lab/raw-ovsdb.js';
