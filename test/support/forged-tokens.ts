import { createHmac, createPublicKey, createSign, generateKeyPairSync, KeyObject } from 'node:crypto';
import { CompactEncrypt, CompactSign, SignJWT } from 'jose';
import { claims, inS, newPair, type Pair, token } from './issuer.ts';

const part = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const pem = ({ published }: Pair): string => createPublicKey({ key: published, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString();
const hmac = (input: string, secret: string | Buffer): string => `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;

/** Each way to make a token that must not be believed, given the pair that is and the claim that its forger wants. */
export async function forgedTokens(good: Pair, want: Readonly<Record<string, unknown>> = { sub: 'victim' }): Promise<readonly (readonly [how: string, token: string])[]> {
  const stranger = await newPair(good.kid, good.alg);
  const [header, payload, signature] = (await token(good, { sub: 'attacker' })).split('.') as [string, string, string];
  const wanted = claims(want);
  const input = (head: unknown, body: unknown = wanted) => `${part(head)}.${part(body)}`;
  const { alg, kid } = good;
  const sign = (body: string, head = input({ alg, kid }, body)) => `${head}.${createSign('sha256').update(head).sign({ key: KeyObject.from(good.privateKey), dsaEncoding: 'ieee-p1363' }, 'base64url')}`;
  return [
    ['without a signature, alg none', `${input({ alg: 'none', kid })}.`],
    ['without a signature, alg nOnE', `${input({ alg: 'nOnE', kid })}.`],
    ['with alg none and the signature of another one', `${input({ alg: 'none', kid })}.${signature}`],
    ['without an alg', `${input({ kid })}.${signature}`],
    ['with an alg that is no text', `${input({ alg: ['ES256'], kid })}.${signature}`],
    ['HS256 with the public key in PEM as its secret', hmac(input({ alg: 'HS256', kid }), pem(good))],
    ['HS256 with the public key in JSON as its secret', hmac(input({ alg: 'HS256', kid }), JSON.stringify(good.published))],
    ['HS256 with an empty secret', hmac(input({ alg: 'HS256', kid }), '')],
    ['of another algorithm for the same key', await forge(stranger, want, { alg: 'ES256' }, 'RS256')],
    ['signed by a stranger under the right kid', await token(stranger, want)],
    ['with a changed payload', `${header}.${part({ ...wanted })}.${signature}`],
    ['with a changed header', `${part({ alg, kid, typ: 'JWT' })}.${payload}.${signature}`],
    ['without its signature', `${header}.${payload}.`],
    ['with a signature of zeros', `${header}.${part(wanted)}.${Buffer.alloc(64).toString('base64url')}`],
    ['with half a signature', `${header}.${payload}.${signature.slice(0, 43)}`],
    ['with the signature in DER', `${input({ alg, kid })}.${createSign('sha256').update(input({ alg, kid })).sign({ key: KeyObject.from(good.privateKey), dsaEncoding: 'der' }, 'base64url')}`],
    ['without a kid', await token(good, want, { kid: undefined })],
    ['with a kid that is no text', await token(good, want, { kid: 1 })],
    ['with a kid that is a path', await token(stranger, want, { kid: '../../../../dev/null' })],
    ['with a kid of an object', await token(stranger, want, { kid: '__proto__' })],
    ['with its own key in the header', await token(stranger, want, { jwk: stranger.published })],
    ['with a URL of its own keys', await token(stranger, want, { jku: 'http://127.0.0.1:1/jwks.json' })],
    ['with a URL of its own certificate', await token(stranger, want, { x5u: 'http://127.0.0.1:1/cert.pem' })],
    ['with its own certificate', await token(stranger, want, { x5c: [part('certificate')] })],
    ['with an extension that nobody knows', await new SignJWT(wanted).setProtectedHeader({ alg, kid, crit: ['exp2'], exp2: 1 }).sign(good.privateKey, { crit: { exp2: true } })],
    ['with a payload that is not encoded', await unencoded(good, wanted)],
    ['of another issuer', await token(good, { ...want, iss: 'https://evil.test' })],
    ['of an issuer that is a list', await token(good, { ...want, iss: [claims()['iss']] })],
    ['without an issuer', await token(good, { ...want, iss: undefined })],
    ['for another audience', await token(good, { ...want, aud: 'somebody-else' })],
    ['for an audience that begins with ours', await token(good, { ...want, aud: 'tributary.evil.test' })],
    ['without an audience', await token(good, { ...want, aud: undefined })],
    ['that has expired', await token(good, { ...want, exp: inS(-60) })],
    ['without an end', await token(good, { ...want, exp: undefined })],
    ['with an end that is a text', await token(good, { ...want, exp: String(inS(300)) })],
    ['with an end beyond numbers', sign(JSON.stringify({ ...wanted, exp: 0 }).replace('"exp":0', '"exp":1e999'))],
    ['that is not valid yet', await token(good, { ...want, nbf: inS(300) })],
    ['issued in the future', await token(good, { ...want, iat: inS(300) })],
    ['without a subject', await token(good, { sub: undefined })],
    ['of an empty subject', await token(good, { sub: '' })],
    ['of a subject that is a number', await token(good, { sub: 1 })],
    ['of a subject that is a list', await token(good, { sub: ['1'] })],
    ['of a subject that is an object', await token(good, { sub: { toString: '1' } })],
    ['to log somebody out', await token(good, want, { typ: 'logout+jwt' })],
    ['with a type that is no text', await token(good, want, { typ: ['JWT'] })],
    ['that is a list', sign(JSON.stringify([wanted]))],
    ['that is null', sign('null')],
    ['that is not JSON', sign('{"sub":')],
    ['that is not UTF-8', await new CompactSign(Buffer.from([0x7b, 0xff, 0x7d])).setProtectedHeader({ alg, kid }).sign(good.privateKey)],
    ['within another one', await new CompactSign(Buffer.from(await token(good, want))).setProtectedHeader({ alg, kid, cty: 'JWT' }).sign(good.privateKey)],
    ['that is encrypted', await encrypted(wanted, kid)],
    ['of four parts', `${header}.${payload}.${signature}.${signature}`],
    ['of two parts', `${header}.${payload}`],
    ['of one part', 'abc'],
    ['of dots', '..'],
    ['with a header that is null', `${part('null')}.${payload}.${signature}`],
    ['with a header of deep JSON', `${part('['.repeat(1_500))}.${payload}.${signature}`],
    ['with a payload in plain base64', `${header}.${Buffer.from('{"sub":"victim??>"}').toString('base64')}.${signature}`],
    ['that is much too long', await token(good, { ...want, more: 'x'.repeat(8 * 1024) })],
  ];
}

/** Says one algorithm and is signed with another one. */
async function forge(pair: Pair, want: Readonly<Record<string, unknown>>, head: Readonly<Record<string, unknown>>, alg: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const text = await new SignJWT(claims(want)).setProtectedHeader({ alg, kid: pair.kid }).sign(privateKey);
  const [, payload, signature] = text.split('.');
  return `${part({ ...head, kid: pair.kid })}.${payload}.${signature}`;
}

/** RFC 7797: the payload as it is; a token must not be such. */
async function unencoded(good: Pair, wanted: Readonly<Record<string, unknown>>): Promise<string> {
  const bytes = Buffer.from(JSON.stringify(wanted));
  const head = part({ alg: good.alg, kid: good.kid, b64: false, crit: ['b64'] });
  return `${head}.${bytes.toString('base64url')}.${createSign('sha256').update(`${head}.`).update(bytes).sign({ key: KeyObject.from(good.privateKey), dsaEncoding: 'ieee-p1363' }, 'base64url')}`;
}

async function encrypted(wanted: Readonly<Record<string, unknown>>, kid: string): Promise<string> {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return new CompactEncrypt(Buffer.from(JSON.stringify(wanted))).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A128GCM', kid }).encrypt(publicKey);
}
