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

export const efforts: Readonly<Record<'quick' | 'full', Effort>> = {
  quick: { oneCount: 15, burstSizes: [50, 200], burstCount: 1, peerOneCount: 3 },
  full: { oneCount: 100, burstSizes: [50, 200], burstCount: 5, peerOneCount: 10 },
};
