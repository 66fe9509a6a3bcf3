/** Compiles what is stored, also when the compiler fails at one of the bundles: that one is set aside, and it is said why. */

import { safeText } from '../lib/text.js';
import type { BundleCompiler, CompiledIntents, OwnedBundle, OwnerIntents } from './intent-ports.js';

function setAside(cause: unknown): OwnerIntents {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = safeText(`the bundle cannot be put in force by this version of the agent: ${why}`, 500);
  return { intents: { bridges: [], ports: [] }, chains: [], contradictions: [message] };
}

/** @throws what the compiler throws of the configuration alone */
export function compileAll(compiler: BundleCompiler, bundles: readonly OwnedBundle[]): CompiledIntents {
  try {
    return compiler.compile(bundles);
  } catch {
    // Which of them it is: each in its turn, beside those that were found right.
    const right: OwnedBundle[] = [];
    const aside: [string, OwnerIntents][] = [];
    for (const bundle of bundles) {
      try {
        compiler.compile([...right, bundle]);
        right.push(bundle);
      } catch (cause) {
        aside.push([bundle.owner, setAside(cause)]);
      }
    }
    const { configuration, owners } = compiler.compile(right);
    return { configuration, owners: new Map([...owners, ...aside]) };
  }
}
