/**
 * How a rule over several keys reports a contradiction: by the path of the key, from which the caller knows the place.
 * Types only.
 */
import type { ConfigDraft } from './draft.js';
import type { ConfigPath } from './path.js';

/** Reports a contradiction at a key. */
export type Report = (path: ConfigPath, message: string, remedy?: string) => void;

/** Looks at a draft and reports what contradicts what; changes nothing. */
export type Rule = (draft: ConfigDraft, report: Report) => void;
