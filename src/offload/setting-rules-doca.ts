/**
 * Settings of OVS-DOCA: of the series that was proposed for Open vSwitch, and of NVIDIA's build. What NVIDIA's build does with
 * them was read in its documentation, its release notes and the scripts of HBN; none of it was tried on hardware here.
 */

import type { SettingNeed, SettingRule } from './setting-rule.js';
import { anyText, boolean, dangerAny, dangerFrom, dangerTo, integer, rule, words } from './setting-rules-build.js';

const engine: SettingNeed = { kind: 'engine', engines: ['doca'] };
const manual = "NVIDIA's documentation of OVS-DOCA";
const script = "scripts of NVIDIA's HBN, which restart for it";
const docaOnly = { needs: [engine], dialects: ['nvidia'], source: manual } as const;

export const docaSettingRules: readonly SettingRule[] = [
  rule('doca-init', 'init', boolean, 'false', {
    dangers: [dangerFrom('true', 'Taking it away from a running OVS-DOCA crashed ovs-vswitchd in a lab (3.5.0052).')],
    dialects: ['docaSeries', 'nvidia'],
    source: `${manual}; the series proposed upstream, which wants dpdk-init as well; failure aborts ovs-vswitchd`,
  }),
  rule('doca-eswitch-max', 'restart', integer(1), undefined, docaOnly),
  rule('doca-async', 'live', boolean, 'true', docaOnly),
  rule('ctl-pipe-size', 'live', integer(), '0', { ...docaOnly, source: `${manual}; HBN sets it live` }),
  rule('ctl-pipe-infra-size', 'restart', integer(), undefined, docaOnly),
  rule('doca-congestion-threshold', 'restart', integer(30, 90), '80', docaOnly),
  rule('hw-offload-ct-size', 'restart', integer(), '250000', {
    ...docaOnly,
    dangers: [
      dangerTo(
        '0',
        'A size of 0 with rules of connection tracking crashed ovs-vswitchd (known issue 4287011 of NVIDIA).',
      ),
    ],
    source: `${manual}; ${script}`,
  }),
  rule('hw-offload-ct-ipv6-enabled', 'restart', boolean, 'false', docaOnly),
  rule('hw-offload-ct-unidir-udp-enabled', 'restart', boolean, undefined, docaOnly),
  rule('doca-ct', 'restart', boolean, undefined, docaOnly),
  rule('doca-ct-ipv6', 'restart', boolean, undefined, docaOnly),
  rule('ct-action-on-nat-conns', 'restart', boolean, undefined, docaOnly),
  rule('ct-labels-mapping', 'restart', anyText, undefined, docaOnly),
  rule('e2e-enable', 'restart', boolean, undefined, {
    ...docaOnly,
    needs: [{ kind: 'engine', engines: ['dpdk', 'doca'] }],
  }),
  rule('pmd-quiet-idle', 'restart', boolean, undefined, { ...docaOnly, source: script }),
  rule('default-datapath-type', 'newObjects', words('system', 'netdev', 'doca'), undefined, {
    dialects: ['nvidia'],
    dangers: [dangerAny('Bridges that are made afterwards have another datapath than those that are there.')],
    source: 'mlnx_bf_configure, which sets it at boot',
  }),
];

/** The mode of the embedded switch. No daemon reads it from a database: the platform sets it at boot. */
export const eswitchSettingRules: readonly SettingRule[] = [
  rule('eswitch-mode', 'never', words('switchdev', 'legacy'), undefined, {
    place: 'eswitch',
    dangers: [dangerAny('A change of mode takes every representor away, and every function that is bound with it.')],
    source: 'devlink-dev(8), dev eswitch set',
  }),
];
