import { describe, expect, it } from 'vitest';
import { formatFlowMod } from '../../../src/openflow/text/print-flow.js';
import { flowModOf, flowVectors, nameOf } from '../support/vectors.js';

describe('formatFlowMod', () => {
  it.each(flowVectors.map((vector) => [nameOf(vector), vector] as const))(
    'prints what ofp-print prints: %s',
    (_name, vector) => {
      const [, text] = vector.text.split('(xid=0x0): ');
      expect(formatFlowMod(flowModOf(vector))).toBe(text);
    },
  );
});
