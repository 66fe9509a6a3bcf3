/** Whether what software carries needs anybody. Pure. */

/** One reason why flows are in software, with how many there are. */
export interface CountedReason {
  readonly isExpected: boolean;
  readonly flows: number;
}

/**
 * Whether every flow that was seen in software is there by design or by configuration: all of them are among the reasons, of
 * which lists have a few only, and each reason is expected. Without any flow nothing is proven.
 * @param softwareFlows how many flows were seen in software, without control traffic and warm-up; undefined: not known
 */
export function isAllExpected(reasons: readonly CountedReason[], softwareFlows: number | undefined): boolean {
  if (softwareFlows === undefined || softwareFlows === 0) return false;
  const told = reasons.reduce((sum, { flows }) => sum + flows, 0);
  return told >= softwareFlows && reasons.every(({ isExpected }) => isExpected);
}
