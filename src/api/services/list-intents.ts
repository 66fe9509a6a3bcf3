/** A page of the owners' bundles: as many as were asked for, and as fit into a message. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { IntentDesk, PlainBundle } from '../../agent/intent-desk-types.js';
import type { ListRequest, ListResponseSchema } from '../../gen/proto/dpu/agent/v1/intent_pb.js';
import { encodeIntent } from '../encode/intent.js';
import { RequestError } from '../request-error.js';

const pageSizeMax = 64;
/**
 * Bytes of bundles on one page, as JSON; more only where the first is larger by itself. Messages of up to 16 MiB are sent,
 * statuses need about as much as the bundles.
 */
const pageBytesMax = 4 * 1024 * 1024;

/** A bundle is immutable. */
const sizes = new WeakMap<PlainBundle, number>();

function sizeOf(bundle: PlainBundle): number {
  const known = sizes.get(bundle);
  if (known !== undefined) return known;
  const size = Buffer.byteLength(JSON.stringify(bundle));
  sizes.set(bundle, size);
  return size;
}

/**
 * The token is the last owner of the page before, so owners that come and go meanwhile disturb nobody.
 * @throws RequestError API_INVALID
 */
export function listIntents(
  desk: IntentDesk,
  { pageSize, pageToken }: ListRequest,
): MessageInitShape<typeof ListResponseSchema> {
  if (pageSize > pageSizeMax) {
    const description = `allowed: 1 to ${pageSizeMax}; 0 stands for ${pageSizeMax}`;
    throw new RequestError('API_INVALID', `page_size: ${description}`, [
      { field: 'page_size', description, reason: 'API_INVALID' },
    ]);
  }
  const left = desk.list().filter(({ owner }) => owner > pageToken);
  const page: (typeof left)[number][] = [];
  let bytes = 0;
  for (const intent of left.slice(0, pageSize === 0 ? pageSizeMax : pageSize)) {
    bytes += sizeOf(intent.bundle);
    if (page.length > 0 && bytes > pageBytesMax) break;
    page.push(intent);
  }
  const last = page.length < left.length ? page.at(-1)?.owner : undefined;
  return {
    intents: page.map((intent) => encodeIntent(intent, desk.status(intent.owner))),
    ...(last === undefined ? {} : { nextPageToken: last }),
  };
}
