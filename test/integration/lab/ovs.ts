/** The private Open vSwitch that the sandbox runs on is the tests' lab too. */
export * from '../../../src/sandbox/lab/ovs.js';
