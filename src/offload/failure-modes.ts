/**
 * The ways in which offload is known to fail, with the checks that detect each on the DPU, or why it cannot be detected there.
 * A test holds that the list is whole and that every check serves some of it.
 */

export interface FailureMode {
  /** Stable number, from 1. */
  readonly number: number;
  readonly failure: string;
  /** Names of checks. Empty: see `otherwise`. */
  readonly checks: readonly string[];
  /** Where it is told instead, or why it cannot be detected here. */
  readonly otherwise?: string;
}

const mode = (number: number, failure: string, ...checks: readonly string[]): FailureMode => ({
  number,
  failure,
  checks,
});
const elsewhere = (number: number, failure: string, otherwise: string): FailureMode => ({
  number,
  failure,
  checks: [],
  otherwise,
});

export const failureModes: readonly FailureMode[] = [
  mode(
    1,
    'hw-offload is stored and not in effect',
    'hw-offload-in-effect',
    'ports-have-a-provider',
    'settings-in-effect',
  ),
  mode(2, 'offload is on, flows stay in software', 'offload-ratio'),
  mode(3, 'DOCA is not initialised after an upgrade', 'engine-initialized', 'engine-kept'),
  mode(4, 'huge pages are lacking', 'huge-pages'),
  mode(5, 'representors are missing after a reboot', 'representors', 'host-attached'),
  mode(6, 'stale ports stay in the database', 'stale-ports'),
  mode(7, 'a port could not be opened', 'open-ports'),
  mode(8, 'a restart of ovs-vswitchd loses flows', 'vswitchd-restarts', 'vswitchd-crashes'),
  mode(9, 'flow-restore-wait stays true', 'flow-restore-wait'),
  mode(10, 'the table of offloaded connections is full', 'connections'),
  mode(11, 'connections of some kinds are software, silently', 'connection-kinds'),
  mode(12, 'insertion stalls', 'insertion', 'main-thread'),
  mode(13, 'the limit of flows collapses', 'flow-limit'),
  mode(14, 'no PMD thread for a port', 'polled-ports'),
  mode(15, 'memory runs out', 'memory', 'vswitchd-memory', 'dpdk-heap', 'vswitchd-crashes'),
  mode(16, 'the card is in NIC mode', 'card-mode'),
  mode(17, 'the embedded switch is in legacy mode', 'eswitch-modes'),
  mode(18, 'the ingress qdisc was removed by others', 'qdiscs'),
  mode(19, 'a link flaps or is down', 'links'),
  mode(20, 'MTUs do not fit', 'mtus'),
  mode(21, 'the uplink is not on the switch (OVS-DOCA)', 'uplink-on-switch'),
  elsewhere(
    22,
    'control traffic is never offloaded',
    'It is how it should be: such flows are classed as control traffic and left out of every ratio, and nothing is wrong.',
  ),
  mode(23, 'several datapaths, or one left over', 'datapaths-alike'),
  mode(24, 'patterns of OVN that break offload', 'flow-patterns'),
  elsewhere(
    25,
    'the lease of the DPU is dead',
    'Told by the conditions of attachments (LeaseForeign, LeaseUnknown, ClusterUnavailable), which hold the lease themselves.',
  ),
  elsewhere(
    26,
    'stale MAC addresses after a restart of HBN',
    "The addresses age in HBN's own container and in the switches outside; the age of an entry here does not tell a live one from a stale one.",
  ),
  mode(27, 'a representor has the name of another', 'representor-names'),
  mode(28, 'combinations that crash ovs-vswitchd', 'crash-prone-settings', 'vswitchd-crashes'),
  mode(29, 'marks of flows that are gone', 'flow-marks'),
  mode(30, 'the card is missing after a reboot', 'cards'),
  mode(31, 'the address of the tunnels was wiped away', 'tunnel-endpoints'),
  mode(32, 'hw-offload is off with ports of DPDK or DOCA', 'offload-off-with-ports', 'crash-prone-settings'),
];
