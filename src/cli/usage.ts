/** What a person wrote wrongly. */

import { AgentError } from '../lib/errors.js';

/** An error that ends dpuctl with exit status 2. */
export function usage(message: string, remedy = 'See dpuctl --help.'): AgentError {
  return new AgentError('USAGE', message, { remedy });
}
