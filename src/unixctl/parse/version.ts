/** `version`: name and release of a daemon. NVIDIA counts in odd numbers: 3.2.1005. Tested with 3.1, 3.5, 4.0. */

export interface DaemonVersion {
  /** `ovs-vswitchd`. */
  readonly program: string;
  /** As printed: `3.1.0`. To know what a daemon can do, ask `list-commands`. */
  readonly version: string;
}

/** The first line; undefined when it names no version. */
export function parseVersion(text: string): DaemonVersion | undefined {
  const [, program = '', version = ''] =
    /^(\S+) \(.*\) (\d\S*)/.exec(text.trimStart()) ?? /^(\S+) (\d\S*)/.exec(text) ?? [];
  return version === '' ? undefined : { program, version };
}
