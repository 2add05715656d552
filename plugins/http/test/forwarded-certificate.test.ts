import type { TlsInfo } from '@outrigger/core';
import { expect } from 'chai';
import { DETAILS, forwardedCertificate } from '../src/forwarded-certificate.ts';

const certificate = {
  subject: 'CN=client',
  subjectAltNames: ['DNS:a.test', 'URI:spiffe://mesh/a', 'IP Address:10.0.0.1', 'DNS:b.test'],
  fingerprint256: 'AB:CD:01',
  pem: '-----BEGIN CERTIFICATE-----\nA+/=\n-----END CERTIFICATE-----\n',
  chain: ['one\n', 'two\n'],
};
const of = (more: Partial<typeof certificate> = {}, details: readonly (typeof DETAILS)[number][] = DETAILS) =>
  forwardedCertificate(
    { ownUris: ['spiffe://mesh/us'], certificate: { ...certificate, ...more } } as unknown as TlsInfo,
    details,
  );

describe('x-forwarded-client-cert', () => {
  it('says all in the order that Envoy has, PEM in URL encoding', () => {
    expect(of()).to.equal(
      'By=spiffe://mesh/us;Hash=abcd01;Cert="-----BEGIN%20CERTIFICATE-----%0AA%2B%2F%3D%0A-----END%20CERTIFICATE-----%0A";' +
        'Chain="one%0Atwo%0A";Subject="CN=client";URI=spiffe://mesh/a;DNS=a.test;DNS=b.test',
    );
  });

  it('says By and Hash whatever is asked for', () => {
    expect(of({}, [])).to.equal('By=spiffe://mesh/us;Hash=abcd01');
    expect(forwardedCertificate({ certificate } as unknown as TlsInfo, ['dns'])).to.equal(
      'Hash=abcd01;DNS=a.test;DNS=b.test',
    );
  });

  it('leaves a subject as RFC 2253 has escaped it, and writes what is not ASCII as its octets', () => {
    expect(of({ subject: 'CN=a\\"b\\\\c\\, d' }, ['subject'])).to.match(/;Subject="CN=a\\"b\\\\c\\, d"$/);
    expect(of({ subject: 'CN=Zo\u00eb' }, ['subject'])).to.match(/;Subject="CN=Zo\\C3\\AB"$/);
    expect(of({ subject: '' }, ['subject'])).to.match(/;Subject=""$/);
  });

  const names: readonly (readonly [name: string, told: string])[] = [
    ['URI:spiffe://a/b,c', 'URI="spiffe://a/b,c"'],
    ['URI:http://a/?x=1;y', 'URI="http://a/?x=1;y"'],
    ['URI:http://a/"', 'URI="http://a/\\""'],
    ['DNS:a b', 'DNS="a b"'],
    ['DNS:a\r\nx: y', 'DNS="a??x: y"'],
  ];
  for (const [name, told] of names)
    it(`quotes ${JSON.stringify(name)}`, () => {
      expect(of({ subjectAltNames: [name] }, ['uri', 'dns'])).to.equal(`By=spiffe://mesh/us;Hash=abcd01;${told}`);
    });
});
