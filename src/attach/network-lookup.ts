/** How the planner asks for the definition of a network. Types only. */

import type { NetworkDefinition } from './network-definition.js';

/** `pending`: not read yet. `absent`: there is none. `invalid`: its configuration cannot be used. */
export type NetworkLookup = (namespace: string, name: string) => NetworkDefinition | 'pending' | 'absent' | 'invalid';
