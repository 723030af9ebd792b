import type { IncomingMessage } from 'node:http';
import { Failure } from '../core/failure.ts';
import { bodyBytesMax, bodyTooLong, hasBody } from './body.ts';

/** A request that no lane and no route is to see. */
export interface Fault {
  readonly failure: Failure;
  readonly headers?: Readonly<Record<string, string>>;
}

/** RFC 9110, §4.1, asks for 8,000 octets at least. Half of what all headers may have, so that nobody gets the same error for two reasons. */
const targetMax = 8 * 1024;

// Made once: a flood of them should cost no stacks.
const faults = {
  host: { failure: new Failure('bad_request', 'expected one header Host with a name or an address, and a port if need be') },
  version: { failure: new Failure('bad_request', 'expected HTTP/1.1, or HTTP/1.0') },
  coding: { failure: new Failure('bad_request', 'expected the Transfer-Encoding chunked of HTTP/1.1, or none') },
  target: { failure: new Failure('bad_request', 'expected a target that begins with /, or with http:// and what Host says') },
  path: { failure: new Failure('bad_request', 'expected a path without a backslash, and without the segments . and ..') },
  targetTooLong: { failure: new Failure('uri_too_long', `expected a target of at most ${targetMax} characters`) },
  method: { failure: new Failure('method_not_allowed', 'expected GET, HEAD, POST, PATCH or DELETE'), headers: { allow: 'GET, HEAD, POST, PATCH, DELETE' } },
  tooLong: { failure: bodyTooLong },
  encoding: { failure: new Failure('unsupported_media_type', 'expected a body without a Content-Encoding'), headers: { 'accept-encoding': 'identity' } },
  type: { failure: new Failure('unsupported_media_type', 'expected a body of the Content-Type application/json'), headers: { accept: 'application/json' } },
} satisfies Record<string, Fault>;

export const unknownExpectation = new Failure('expectation_failed', 'expected the expectation 100-continue, or none');
export const methodFault: Fault = faults.method;
/** Of what passed here, a few hosts are no part of a URL: a port above 65535, too many colons. */
export const badTarget = new Failure('bad_request', 'expected a Host and a target that are a URL together');

/**
 * What is wrong with a request that node could read, undefined for nothing: so that it has one reading only, whoever
 * reads it after us or before us. A target in absolute form is brought into the form that all others have.
 */
export function faultOf(request: IncomingMessage): Fault | undefined {
  if (request.httpVersionMajor !== 1) return faults.version;
  if (!hostIsGood(request)) return faults.host;
  const targetFault = targetFaultOf(request);
  if (targetFault) return targetFault;
  const coding = request.headers['transfer-encoding'];
  // Other codings would be nobody's to undo. HTTP/1.0 has none at all, so what it means there is a guess (RFC 9112, §6.1).
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || request.httpVersionMinor === 0)) return faults.coding;
  return hasBody(request) ? bodyFaultOf(request) : undefined;
}

const slash = 47;

function targetFaultOf(request: IncomingMessage): Fault | undefined {
  const { url = '', method } = request;
  if (url.length > targetMax) return faults.targetTooLong;
  // node-server cannot make a Request of a TRACE. `*` is the server as a whole, and all it allows is the same.
  if (method === 'TRACE' || (method === 'OPTIONS' && url === '*')) return faults.method;
  // A fragment is for nobody but the client (RFC 9112, §3.2): some who pass requests on cut it off, and some do not.
  if (url.includes('#') || (url.charCodeAt(0) !== slash && !toOriginForm(request, url))) return faults.target;
  return otherPath.test(request.url!) ? faults.path : undefined;
}

/** A path that a URL makes another one of (WHATWG URL, §4.4): whoever lets requests in by their paths before us may not. Linear: it has one place to begin. */
const otherPath = /^[^?]*(?:\\|\/(?:\.|%2e){1,2}(?:[/?]|$))/i;

/** Linear: of the two parts only the second may begin with a colon. */
const hostForm = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/** HTTP/1.1 wants exactly one (RFC 9112, §3.2). Node takes the first of several, and a proxy may have taken the last. */
function hostIsGood({ rawHeaders, headers, httpVersionMinor }: IncomingMessage): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  if (hosts === 0) return httpVersionMinor === 0;
  return hosts === 1 && hostForm.test(headers.host!);
}

/** RFC 9112, §3.2.2: a proxy's form, which a server has to take. There Host does not count, so it may not say anything else. */
function toOriginForm(request: IncomingMessage, url: string): boolean {
  const [, authority, rest] = /^https?:\/\/([^/?]*)(.*)$/i.exec(url) ?? [];
  if (authority === undefined || rest === undefined) return false;
  if (request.headers.host !== undefined && authority.toLowerCase() !== request.headers.host.toLowerCase()) return false;
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  return true;
}

function bodyFaultOf({ headers }: IncomingMessage): Fault | undefined {
  if (Number(headers['content-length'] ?? 0) > bodyBytesMax) return faults.tooLong;
  const { 'content-encoding': encoding = 'identity', 'content-type': type = '' } = headers;
  if (encoding.toLowerCase() !== 'identity') return faults.encoding;
  return /^application\/json *(?:;|$)/i.test(type) ? undefined : faults.type;
}
