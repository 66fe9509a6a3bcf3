/**
 * The settings that section `offload` may declare, and which values each takes. What a change of one does and when it takes
 * effect is known elsewhere (src/offload, which this folder may not import); a test keeps the two lists equal.
 */

/** Which values a setting takes. */
export type SettingValues =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'text'; readonly pattern: RegExp; readonly shape: string };

const boolean: SettingValues = { kind: 'boolean' };
const integer = (min = 0, max = Number.MAX_SAFE_INTEGER): SettingValues => ({ kind: 'integer', min, max });
const words = (...list: readonly string[]): SettingValues => ({ kind: 'words', words: list });
const text = (pattern: RegExp, shape: string): SettingValues => ({ kind: 'text', pattern, shape });

const anyText = text(/^.+$/, 'text that is not empty');
const mask = text(/^(?:0x)?[\da-f]+$/i, 'a mask in hexadecimal');
const memory = text(/^\d+(?:,\d+)*$/, 'MiB for each NUMA node, with commas');

/** By key: ovs-vswitchd.conf.db(5), Open_vSwitch:other_config, with those of NVIDIA's build; and the mode of the eSwitch. */
export const declarableSettings: ReadonlyMap<string, SettingValues> = new Map([
  ['hw-offload', boolean],
  ['tc-policy', words('none', 'skip_sw', 'skip_hw')],
  ['hw-offload-priority', text(/^[\w-]+(?:,[\w-]+)*$/, 'names of providers with commas')],
  ['n-offload-threads', integer(1, 10)],
  ['offload-rebalance', boolean],
  ['offloaded-stats-delay', integer()],
  ['flow-limit', integer()],
  ['max-idle', integer(500)],
  ['max-revalidator', integer(100)],
  ['min-revalidate-pps', integer()],
  ['flow-restore-wait', boolean],
  ['explicit-sampled-drops', boolean],
  ['stats-update-interval', integer(5_000)],
  ['enable-statistics', boolean],
  ['bundle-idle-timeout', integer(1)],
  ['n-handler-threads', integer(1)],
  ['n-revalidator-threads', integer(1)],
  ['pmd-perf-metrics', boolean],
  ['pmd-cpu-mask', mask],
  ['pmd-auto-lb', boolean],
  ['pmd-auto-lb-rebal-interval', integer(0, 20_000)],
  ['pmd-auto-lb-load-threshold', integer(0, 100)],
  ['pmd-auto-lb-improvement-threshold', integer(0, 100)],
  ['pmd-sleep-max', anyText],
  ['emc-insert-inv-prob', integer(0, 4_294_967_295)],
  ['smc-enable', boolean],
  ['userspace-tso-enable', boolean],
  ['per-port-memory', boolean],
  ['shared-mempool-config', anyText],
  ['dpdk-init', words('false', 'true', 'try')],
  ['dpdk-extra', anyText],
  ['dpdk-lcore-mask', mask],
  ['dpdk-socket-mem', memory],
  ['dpdk-alloc-mem', integer()],
  ['dpdk-socket-limit', memory],
  ['dpdk-hugepage-dir', text(/^\//, 'an absolute path')],
  ['dpdk-probe-at-init', boolean],
  ['dpdk-max-memzones', integer(1)],
  ['doca-init', boolean],
  ['doca-eswitch-max', integer(1)],
  ['doca-async', boolean],
  ['ctl-pipe-size', integer()],
  ['ctl-pipe-infra-size', integer()],
  ['doca-congestion-threshold', integer(30, 90)],
  ['hw-offload-ct-size', integer()],
  ['hw-offload-ct-ipv6-enabled', boolean],
  ['hw-offload-ct-unidir-udp-enabled', boolean],
  ['doca-ct', boolean],
  ['doca-ct-ipv6', boolean],
  ['ct-action-on-nat-conns', boolean],
  ['ct-labels-mapping', anyText],
  ['e2e-enable', boolean],
  ['pmd-quiet-idle', boolean],
  ['default-datapath-type', words('system', 'netdev', 'doca')],
  ['eswitch-mode', words('switchdev', 'legacy')],
]);

/** Longest value, characters. */
const valueCharsMax = 1_024;

/** Whether the setting takes the value. */
export function takesValue(values: SettingValues, value: string): boolean {
  switch (values.kind) {
    case 'boolean':
      return /^(?:true|false)$/i.test(value);
    case 'integer':
      return /^\d{1,15}$/.test(value) && Number(value) >= values.min && Number(value) <= values.max;
    case 'words':
      return values.words.includes(value);
    case 'text':
      return value.length <= valueCharsMax && values.pattern.test(value);
  }
}

/** What the setting takes, as the end of a sentence. */
export function settingValuesText(values: SettingValues): string {
  switch (values.kind) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return values.max === Number.MAX_SAFE_INTEGER
        ? `a whole number from ${values.min}`
        : `a whole number from ${values.min} to ${values.max}`;
    case 'words':
      return `one of ${values.words.join(', ')}`;
    case 'text':
      return values.shape;
  }
}

/** A valid value in the form in which equal ones are equal, and as ovs-vswitchd reads it whatever its version. */
export function uniformValue(values: SettingValues, value: string): string {
  if (values.kind === 'boolean') return value.toLowerCase();
  return values.kind === 'integer' ? String(Number(value)) : value;
}
