import { describe, expect, it } from 'vitest';
import {
  checkFunctionSelector,
  functionKey,
  mayShareController,
  type FunctionInput,
} from '../../src/config/rules-function.js';
import { formatPath } from '../../src/config/path.js';

const judge = (selector: FunctionInput): { readonly isUsable: boolean; readonly reported: readonly string[] } => {
  const reported: string[] = [];
  const isUsable = checkFunctionSelector(selector, ['at'], (path, message) => {
    reported.push(`${formatPath(path)}: ${message}`);
  });
  return { isUsable, reported };
};

describe('selectors of functions', () => {
  it('mean one function', () => {
    expect(judge({ pf: 0, vf: 1, sf: 1 })).toEqual({ isUsable: false, reported: ['at: both vf and sf are given'] });
    expect(judge({ pf: 0, vf: 1 })).toEqual({ isUsable: true, reported: [] });
  });

  it('mean the host but for SFs', () => {
    expect(judge({ pf: 0, vf: 1, controller: 0 }).isUsable).toBe(false);
    expect(judge({ pf: 0, controller: 0 }).isUsable).toBe(false);
    expect(judge({ pf: 0, sf: 1, controller: 0 }).isUsable).toBe(true);
    expect(judge({ pf: 0, controller: 1 }).isUsable).toBe(true);
  });

  it('are told apart by all their numbers, and by controllers that are both given', () => {
    const keys = [{ pf: 0 }, { pf: 1 }, { pf: 0, vf: 1 }, { pf: 0, sf: 1 }].map(functionKey);
    expect(new Set(keys).size).toBe(4);
    expect(functionKey({ pf: 0, controller: 1 })).toBe(functionKey({ pf: 0 }));
    expect(mayShareController({ pf: 0, controller: 1 }, { pf: 0 })).toBe(true);
    expect(mayShareController({ pf: 0, controller: 1 }, { pf: 0, controller: 2 })).toBe(false);
  });
});
