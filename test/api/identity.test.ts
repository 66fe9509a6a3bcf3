import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateIdentity, parseAltNames } from '../../src/api/identity.js';
import { CertificateFolder } from '../kube/certificates.js';

let folder: CertificateFolder;
beforeAll(async () => {
  folder = await CertificateFolder.make();
  await folder.authority('ca');
}, 30_000);
afterAll(() => folder.remove());

let count = 0;
/** The names that are believed of a certificate that openssl made with these. */
async function namesOf(altNames: string): Promise<readonly string[]> {
  count += 1;
  const { certFile } = await folder.leaf(`leaf${count}`, 'ca', altNames);
  const { names } = certificateIdentity(new X509Certificate(await readFile(certFile)));
  return names.filter((name) => !name.startsWith('cn:'));
}

/** Names that may hold anything, given to openssl in a section of their own. */
const raw = (...lines: string[]): string => ['@names', '[names]', ...lines].join('\n');

describe('the names in a certificate', () => {
  it('are its SPIFFE identity, its other URIs, its host names and its common name', async () => {
    expect(await namesOf('URI:spiffe://fleet/controller,DNS:A.Example')).toEqual([
      'spiffe://fleet/controller',
      'dns:a.example',
    ]);
    expect(await namesOf('URI:urn:uuid:1,DNS:a.example,IP:192.0.2.1')).toEqual(['uri:urn:uuid:1', 'dns:a.example']);
    const { certFile } = await folder.leaf('bob', 'ca', 'DNS:b.example');
    expect(certificateIdentity(new X509Certificate(await readFile(certFile))).names).toEqual([
      'dns:b.example',
      'cn:bob',
    ]);
  });

  it.each([
    ['a host name that holds a list', raw('DNS.1 = "a, URI:spiffe://fleet/controller"')],
    ['a host name with quotes', raw('DNS.1 = a"\\, URI:spiffe://fleet/controller')],
    ['an address of mail that holds a list', raw('email.1 = "a@b, URI:spiffe://fleet/controller"')],
    ['a URI that holds a list', raw('URI.1 = "http://a/, URI:spiffe://fleet/controller"')],
    ['a URI that goes on after a space', raw('URI.1 = "spiffe://fleet/controller x"')],
    ['two URIs, which no SVID has', raw('URI.1 = spiffe://fleet/controller', 'URI.2 = http://a/')],
    ['another name with the text of a URI', raw('otherName.1 = 1.2.3.4;UTF8:"x, URI:spiffe://fleet/controller"')],
    ['a name of a directory', raw('dirName.1 = d', '[d]', 'CN = "x, URI:spiffe://fleet/controller"')],
  ])('are not forged by %s', async (_what, altNames) => {
    const names = await namesOf(altNames);
    expect(names.filter((name) => /spiffe:.*controller/.test(name) && !name.startsWith('uri:http'))).toEqual([]);
  });

  it('that are not wholly understood are none', () => {
    expect(parseAltNames('DNS:a, URI:"\\x"')).toBeUndefined();
    expect(parseAltNames('DNS:a, no colon')).toBeUndefined();
    expect(parseAltNames('DNS:a,URI:b')).toBeUndefined();
    expect(parseAltNames('')).toEqual([]);
  });
});
