/**
 * Which strings may be names of network devices. Used wherever a name enters: from sysfs, from devlink, from a caller
 * who wants a link changed. Stricter than the kernel, which allows any byte but `/`, `:` and white space.
 */

/** Printable ASCII without `/` and `:`, at most 15 characters (IFNAMSIZ minus the terminator), no leading `-`. */
const pattern = /^(?!-)[\x21-\x2e\x30-\x39\x3b-\x7e]{1,15}$/;

/**
 * Whether `name` can be shown, logged and handed to `ip` as it stands. The kernel also refuses `.` and `..`
 * (dev_valid_name); the leading `-` is refused here because a tool could take it for an option.
 */
export function isNetdevName(name: string): boolean {
  return pattern.test(name) && name !== '.' && name !== '..';
}
