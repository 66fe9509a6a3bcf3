/** How often things are done. */
export interface Effort {
  /** Pods that come alone. */
  readonly oneCount: number;
  readonly burstSizes: readonly number[];
  /** Bursts of each size. */
  readonly burstCount: number;
  /** Pods that are plugged alone by commands. */
  readonly peerOneCount: number;
}

export const fullEffort: Effort = { oneCount: 100, burstSizes: [50, 200], burstCount: 5, peerOneCount: 10 };
export const quickEffort: Effort = { oneCount: 15, burstSizes: [50, 200], burstCount: 1, peerOneCount: 3 };
