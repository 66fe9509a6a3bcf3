/** Kinds of objects whose offload is known, as the command line names them. */

export const rowKinds = ['pod', 'port', 'chain'] as const;
export type RowKind = (typeof rowKinds)[number];
