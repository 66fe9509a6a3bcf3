/**
 * The OpenFlow versions that this client speaks and how each is called. Used by every encoder that has to write one
 * message in several ways. Nothing below 1.3 is offered: a modify in 1.0 rewrites the cookie to zero.
 */

/** Version byte of the header: 4 is OpenFlow 1.3, 5 is 1.4, 6 is 1.5. */
export type Version = 4 | 5 | 6;

export const version13 = 4;
export const version14 = 5;
export const version15 = 6;

/** Every version spoken, the preferred one first. */
export const versionsSpoken: readonly Version[] = [version15, version14, version13];

const names: Readonly<Record<Version, string>> = { 4: 'OpenFlow13', 5: 'OpenFlow14', 6: 'OpenFlow15' };

/** The name as `ovs-ofctl -O` and the `protocols` column of a bridge spell it. */
export function versionName(version: Version): string {
  return names[version];
}

/** The version byte as a version that this client speaks. */
export function versionOf(byte: number): Version | undefined {
  return byte === 4 || byte === 5 || byte === 6 ? byte : undefined;
}
