import { describe, expect, it } from 'vitest';
import { certificatesIn } from '../../src/config/certificates.js';
import { certificate } from './certificate.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('certificatesIn', () => {
  it('reads PEM and base64 of PEM to the same', () => {
    expect(certificatesIn(certificate)).toEqual({ pem: certificate });
    expect(certificatesIn(base64(certificate))).toEqual({ pem: certificate });
    expect(certificatesIn(base64(certificate).replace(/.{64}/g, '$&\n'))).toEqual({ pem: certificate });
  });

  it('keeps several, and leaves out what stands between them', () => {
    expect(certificatesIn(`Subject: x\n${certificate}\n# next\n${certificate}`)).toEqual({
      pem: certificate + certificate,
    });
  });

  it('says what is wrong without showing the text', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----\n';
    const truncated = certificate.replace(/\n.{64}\n/, '\n');
    expect(
      ['hello world', base64('hello'), certificate + key, '-----BEGIN X509 CRL-----', certificate + truncated].map(
        certificatesIn,
      ),
    ).toEqual([
      { fault: 'is neither PEM nor base64 of PEM' },
      { fault: 'is neither PEM nor base64 of PEM' },
      { fault: 'holds a private key, which belongs in a file of its own' },
      { fault: 'holds no certificate' },
      { fault: 'holds a certificate that cannot be read, number 2' },
    ]);
  });
});
