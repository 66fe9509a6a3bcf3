/** Settings that every Open vSwitch knows: offload, flows, threads. */

import type { SettingRule } from './setting-rule.js';
import {
  anyText,
  boolean,
  dangerAny,
  dangerTo,
  dangerUnderDoca,
  integer,
  manual,
  rule,
  text,
  words,
} from './setting-rules-build.js';

const emptiesFlows =
  'A change stops the threads and deletes every flow of the datapath first: all traffic misses at once (udpif_set_threads).';
const takesCores =
  'It takes cores from everything else on the DPU and moves every queue to another thread; a person weighs that.';
const latchSource = 'dpif-offload.c, dpif_offload_set_global_cfg (netdev-offload.c before 3.7)';

export const ovsSettingRules: readonly SettingRule[] = [
  rule('hw-offload', 'latch', boolean, 'false', {
    takesEffectUnderDoca: 'restart',
    dangers: [
      dangerUnderDoca(
        'With OVS-DOCA and its ports present a change in a running ovs-vswitchd breaks the ports (known issue 4242133 of NVIDIA).',
      ),
    ],
    source: latchSource,
  }),
  rule('tc-policy', 'atLatch', words('none', 'skip_sw', 'skip_hw'), 'none', {
    needs: [{ kind: 'engine', engines: ['tc'] }],
    source: `${manual}; dpif-offload-tc.c reads it when hw-offload latches`,
  }),
  rule('hw-offload-priority', 'restart', text(/^[\w-]+(?:,[\w-]+)*$/, 'names of providers with commas'), undefined, {
    dialects: ['upstream'],
    source: latchSource,
  }),
  rule('n-offload-threads', 'atLatch', integer(1, 10), '1', {
    needs: [{ kind: 'engine', engines: ['dpdk', 'doca', 'userspace'] }],
    dangers: [dangerUnderDoca('OVS-DOCA forces one thread; another number was never meant to work.')],
    source: `${manual}; dpif-offload-dpdk.c reads it when hw-offload latches`,
  }),
  rule('offload-rebalance', 'atLatch', boolean, 'false', {
    needs: [{ kind: 'key', key: 'tc-policy', value: 'skip_sw' }],
    source: latchSource,
  }),
  rule('offloaded-stats-delay', 'live', integer(), '2000'),
  rule('flow-limit', 'live', integer(), '200000', {
    takesEffectUnderDoca: 'restart',
    dangers: [dangerTo('0', 'With a limit of 0 no flow is kept, and every packet is an upcall.')],
  }),
  rule('max-idle', 'live', integer(500), '10000'),
  rule('max-revalidator', 'live', integer(100), '500'),
  rule('min-revalidate-pps', 'live', integer(), '5'),
  rule('flow-restore-wait', 'release', boolean, 'false', {
    dangers: [
      dangerAny(
        'The key is that of the restart procedure (ovs-ctl): true makes the next ovs-vswitchd forward nothing, and false ends a restore that may be under way.',
      ),
    ],
    source: `${manual}; bridge.c takes it away from a running daemon, and never gives it to one`,
  }),
  rule('explicit-sampled-drops', 'live', boolean, 'false', { dialects: ['upstream'] }),
  rule('stats-update-interval', 'live', integer(5_000), '5000'),
  rule('enable-statistics', 'live', boolean, 'false'),
  rule('bundle-idle-timeout', 'live', integer(1), '10'),
  rule('n-handler-threads', 'live', integer(1), undefined, { dangers: [dangerAny(emptiesFlows)] }),
  rule('n-revalidator-threads', 'live', integer(1), undefined, { dangers: [dangerAny(emptiesFlows)] }),
  rule('pmd-perf-metrics', 'live', boolean, 'false'),
  rule('pmd-cpu-mask', 'live', text(/^(?:0x)?[\da-f]+$/i, 'a mask in hexadecimal'), undefined, {
    dangers: [dangerAny(takesCores)],
  }),
  rule('pmd-auto-lb', 'live', boolean, 'false'),
  rule('pmd-auto-lb-rebal-interval', 'live', integer(0, 20_000), '1'),
  rule('pmd-auto-lb-load-threshold', 'live', integer(0, 100), '95'),
  rule('pmd-auto-lb-improvement-threshold', 'live', integer(0, 100), '25'),
  rule('pmd-sleep-max', 'live', anyText, '0'),
  rule('emc-insert-inv-prob', 'live', integer(0, 4_294_967_295), '100'),
  rule('smc-enable', 'live', boolean, 'false'),
  rule('userspace-tso-enable', 'restart', boolean, 'false'),
  rule('per-port-memory', 'restart', boolean, 'false'),
  rule('shared-mempool-config', 'restart', anyText, undefined),
];
