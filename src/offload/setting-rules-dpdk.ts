/** Settings of DPDK, and those of single ports. */

import type { SettingRule } from './setting-rule.js';
import { anyText, boolean, dangerAny, dangerFrom, integer, manual, rule, text, words } from './setting-rules-build.js';

const dpdk = { needs: [{ kind: 'key', key: 'dpdk-init', value: 'true' }] } as const;
const onPort = { place: 'interfaceOption' } as const;
const recreates = dangerAny('The port is closed and opened anew with the change, and carries nothing meanwhile.');

export const dpdkSettingRules: readonly SettingRule[] = [
  rule('dpdk-init', 'init', words('false', 'true', 'try'), 'false', {
    dangers: [
      dangerFrom('true', 'Ports of DPDK cannot be opened after the next start; each of them carries nothing then.'),
    ],
    source: `${manual}; dpdk.c, dpdk_init: acted on at once, and a failure of the EAL aborts ovs-vswitchd (but with try)`,
  }),
  rule('dpdk-extra', 'restart', anyText, undefined, dpdk),
  rule('dpdk-lcore-mask', 'restart', text(/^(?:0x)?[\da-f]+$/i, 'a mask in hexadecimal'), undefined, dpdk),
  rule('dpdk-socket-mem', 'restart', text(/^\d+(?:,\d+)*$/, 'MiB for each NUMA node, with commas'), undefined, dpdk),
  rule('dpdk-alloc-mem', 'restart', integer(), undefined, dpdk),
  rule('dpdk-socket-limit', 'restart', text(/^\d+(?:,\d+)*$/, 'MiB for each NUMA node, with commas'), undefined, dpdk),
  rule('dpdk-hugepage-dir', 'restart', text(/^\//, 'an absolute path'), undefined, dpdk),
  rule('dpdk-probe-at-init', 'restart', boolean, 'false', { ...dpdk, dialects: ['upstream'] }),
  rule('dpdk-max-memzones', 'restart', integer(1), undefined, {
    ...dpdk,
    dialects: ['nvidia'],
    source: "scripts of NVIDIA's HBN, which set it and restart",
  }),
  rule('dpdk-devargs', 'newObjects', anyText, undefined, { ...onPort, dangers: [recreates] }),
  rule('n_rxq', 'live', integer(1), '1', { ...onPort, dangers: [recreates] }),
  rule('n_rxq_desc', 'live', integer(1, 4_096), '2048', { ...onPort, dangers: [recreates] }),
  rule('n_txq_desc', 'live', integer(1, 4_096), '2048', { ...onPort, dangers: [recreates] }),
  rule('dpdk-lsc-interrupt', 'live', boolean, 'true', { ...onPort, dangers: [recreates] }),
  rule('dpdk-vf-mac', 'live', text(/^(?:[\da-f]{2}:){5}[\da-f]{2}$/i, 'a MAC address'), undefined, {
    ...onPort,
    dangers: [dangerAny('It changes the address of a function of the host.')],
  }),
  rule('rx-steering', 'live', words('rss', 'rss+lacp'), 'rss', {
    ...onPort,
    dangers: [dangerAny('rss+lacp is refused together with hw-offload, and the port is opened anew.')],
  }),
  rule('rx-flow-ctrl', 'live', boolean, 'false', onPort),
  rule('tx-flow-ctrl', 'live', boolean, 'false', onPort),
  rule('flow-ctrl-autoneg', 'live', boolean, 'false', onPort),
  rule('pmd-rxq-affinity', 'live', anyText, undefined, {
    place: 'interfaceConfig',
    dangers: [dangerAny('A thread to which queues are bound is isolated, and polls no other port any more.')],
  }),
  rule('hw-offload-priority', 'newObjects', anyText, undefined, {
    place: 'interfaceConfig',
    dialects: ['upstream'],
    source: `${manual}, 3.7 and newer: read only with the transaction that adds the port`,
  }),
];
