import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A self-signed certificate of this machine's, in PEM: it is its own authority. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

// By hand, since Node reads X.509 and does not write it, and a private key in a repository alarms every scanner of secrets.
const tagged = (tag: number, ...parts: (Buffer | readonly number[])[]): Buffer => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};
const sequence = (...parts: Buffer[]): Buffer => tagged(0x30, ...parts);
const oid = (hex: string): Buffer => tagged(0x06, Buffer.from(hex, 'hex'));
const time = (year: number): Buffer => tagged(0x17, Buffer.from(`${String(year % 100).padStart(2, '0')}0101000000Z`));

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
const commonName = oid('550403');
const alternativeNames = oid('551d11');

/** Makes one for `localhost` and 127.0.0.1, valid for years (RFC 5280, §4.1). */
export function selfSigned(): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(tagged(0x31, sequence(commonName, tagged(0x0c, Buffer.from('localhost')))));
  const names = sequence(tagged(0x82, Buffer.from('localhost')), tagged(0x87, [127, 0, 0, 1]));
  const year = new Date().getUTCFullYear();
  const content = sequence(
    tagged(0xa0, tagged(0x02, [2])),
    tagged(0x02, [1], randomBytes(8)),
    ecdsaWithSha256,
    name,
    sequence(time(year - 1), time(year + 2)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(sequence(alternativeNames, tagged(0x04, names)))),
  );
  const signature = sign('sha256', content, privateKey);
  const der = sequence(content, ecdsaWithSha256, tagged(0x03, [0], signature));
  const lines = der.toString('base64').replaceAll(/.{64}/g, '$&\n');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}
