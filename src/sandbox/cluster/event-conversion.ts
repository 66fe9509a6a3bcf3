/**
 * Events between their two API groups: stored as core/v1, served as events.k8s.io/v1 too, with the renamed members of
 * k8s.io/kubernetes/pkg/apis/events/v1/conversion.go. Pure.
 */

import { put } from './json.js';
import type { JsonObject } from './json.js';
import type { Conversion } from './resource-type.js';

const renamed: readonly (readonly [core: string, events: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];

function rename(object: JsonObject, names: ReadonlyMap<string, string>, apiVersion: string): JsonObject {
  const copy: JsonObject = {};
  for (const [key, value] of Object.entries(object)) put(copy, names.get(key) ?? key, value);
  return { ...copy, apiVersion, kind: 'Event' };
}

const toCore = new Map(renamed.map(([core, events]) => [events, core]));
const toEvents = new Map(renamed);

/** How events.k8s.io/v1 differs from what is stored. */
export const eventConversion: Conversion = {
  toStored: (wire) => rename(wire, toCore, 'v1'),
  toWire: (stored) => rename(stored, toEvents, 'events.k8s.io/v1'),
};
