import { describe, expect, it } from 'vitest';
import { serverError, watchError } from '../../src/kube/server-error.js';

const asked = { method: 'GET', path: '/api/v1/pods' };

describe('an error of the server', () => {
  it('has a code by its status, and the words of the server behind ours', () => {
    const body = { kind: 'Status', reason: 'Forbidden', message: 'pods is forbidden: User "x" cannot list' };
    const error = serverError({ ...asked, status: 403, body });
    expect(error.message).toBe('the API server does not allow the request: pods is forbidden: User "x" cannot list');
    expect(error.facts).toMatchObject({ status: 403, reason: 'Forbidden', method: 'GET', path: '/api/v1/pods' });
  });

  it('knows which outcome is unknown', () => {
    const isUnknown = (status: number): boolean => serverError({ ...asked, status, body: '' }).isOutcomeUnknown;
    expect([408, 500, 502, 503, 504].every(isUnknown)).toBe(true);
    expect([400, 401, 403, 404, 405, 409, 410, 413, 415, 418, 422, 429].some(isUnknown)).toBe(false);
  });

  it('takes the wait from the header, or else from the Status', () => {
    const body = { details: { retryAfterSeconds: 3 } };
    expect(serverError({ ...asked, status: 429, body }).facts['retryAfterMs']).toBe(3000);
    expect(serverError({ ...asked, status: 429, body, retryAfterMs: 5 }).facts['retryAfterMs']).toBe(5);
    const nonsense = { details: { retryAfterSeconds: '3' } };
    expect(serverError({ ...asked, status: 429, body: nonsense }).facts['retryAfterMs']).toBeUndefined();
  });

  it('bounds everything that it quotes', () => {
    const long = 'y'.repeat(100_000);
    const causes = Array.from({ length: 1000 }, () => ({ reason: long, field: long, message: long }));
    const error = serverError({
      method: 'GET',
      path: `/${long}`,
      status: 422,
      body: { reason: long, message: long, details: { causes } },
    });
    expect(JSON.stringify(error.facts).length).toBeLessThan(2500);
    expect(error.message.length).toBeLessThan(700);
  });

  it.each([null, 5, [], { message: 5 }, { details: { causes: [null, 5, {}] } }, undefined])(
    'does not stumble over a body that is %j',
    (body) => {
      expect(serverError({ ...asked, status: 500, body }).code).toBe('KUBE_SERVER_ERROR');
      expect(watchError(body, '/p').code).toBe('KUBE_SERVER_ERROR');
    },
  );
});
