/** Requests about the server itself: discovery, version, health and the OpenAPI documents. */

import { apiGroup, apiGroups, apiResources, apiVersions, versionInfo } from './discovery.js';
import type { Reply } from './exchange.js';
import { openApiReply } from './openapi.js';
import { noSuchPath } from './status.js';
import type { JsonObject } from './json.js';

/** Throws StatusError 404. */
export function serverPath(path: string, accept: string, address: string): Reply {
  const parts = path.split('/').filter((part) => part !== '');
  switch (parts[0]) {
    case undefined:
      return {
        status: 200,
        body: { paths: ['/api', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/version'] },
      };
    case 'version':
      return { status: 200, body: versionInfo };
    case 'healthz':
    case 'livez':
    case 'readyz':
      return { status: 200, body: 'ok', contentType: 'text/plain; charset=utf-8' };
    case 'openapi':
      return openApiReply(parts.slice(1).join('/'), accept);
    case 'api':
      return parts.length === 1 ? found(apiVersions(address)) : found(apiResources(parts.slice(1).join('/')));
    case 'apis':
      if (parts.length === 1) return found(apiGroups());
      return found(parts.length === 2 ? apiGroup(parts[1] ?? '') : apiResources(parts.slice(1).join('/')));
    default:
      throw noSuchPath();
  }
}

function found(body: JsonObject | undefined): Reply {
  if (body === undefined) throw noSuchPath();
  return { status: 200, body };
}
