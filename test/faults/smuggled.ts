const host = 'Host: x\r\n';
const json = `${host}Content-Type: application/json\r\n`;
const smuggled = 'GET /api/aggregated?user_id=smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
const target = '/api/aggregated?user_id=smuggled';
const post = (headers: string, body = ''): string => `POST /api/aggregated HTTP/1.1\r\n${json}${headers}\r\n${body}`;
const get = (headers: string): string => `GET ${target} HTTP/1.1\r\n${headers}\r\n`;
const chunked = 'Transfer-Encoding: chunked\r\n';

/** What those on the way may read in two ways, after the corpora of Http11Probe, llhttp and James Kettle's papers. All of it is refused. */
export const ambiguous: readonly (readonly [name: string, bytes: string])[] = [
  ['CL.TE', post(`Content-Length: ${5 + smuggled.length}\r\n${chunked}`, `0\r\n\r\n${smuggled}`)],
  ['TE.CL', post(`${chunked}Content-Length: 4\r\n`, `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`)],
  ['CL.0 with Transfer-Encoding', post(`Content-Length: 0\r\n${chunked}`, `0\r\n\r\n${smuggled}`)],
  ['TE.TE with identity', post(`${chunked}Transfer-Encoding: identity\r\n`, `0\r\n\r\n${smuggled}`)],
  ['TE.TE with a second chunked', post(`${chunked}${chunked}`, `0\r\n\r\n${smuggled}`)],
  ['an unknown Transfer-Encoding', post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${smuggled}`)],
  ['gzip, chunked', post('Transfer-Encoding: gzip, chunked\r\n', `0\r\n\r\n${smuggled}`)],
  ['chunked that is not last', post('Transfer-Encoding: chunked, gzip\r\n', `0\r\n\r\n${smuggled}`)],
  ['chunked in quotes', post('Transfer-Encoding: "chunked"\r\n', `0\r\n\r\n${smuggled}`)],
  ['chunked with a control character', post('Transfer-Encoding: \x0bchunked\r\n', `0\r\n\r\n${smuggled}`)],
  ['chunked in HTTP/1.0', `POST /api/aggregated HTTP/1.0\r\n${json}${chunked}\r\n0\r\n\r\n${smuggled}`],
  ['an empty Transfer-Encoding', post('Transfer-Encoding:\r\nContent-Length: 5\r\n', `0\r\n\r\n${smuggled}`)],
  ['two equal Content-Lengths', post('Content-Length: 2\r\nContent-Length: 2\r\n', `{}${smuggled}`)],
  ['two Content-Lengths', post(`Content-Length: 2\r\nContent-Length: ${2 + smuggled.length}\r\n`, `{}${smuggled}`)],
  ...['2, 2', '+2', '-2', '2 2', '0x2', '2.0', '2e0', '', '٢', '99999999999999999999', '2\x0b'].map((length) =>
    [`the Content-Length ${JSON.stringify(length)}`, post(`Content-Length: ${length}\r\n`, `{}${smuggled}`)] as const),
  ...['0x2', '-2', '+2', ' 2', '2 ', '', 'g', '2\x00', '2\t', 'fffffffffffffffff', '2_0', '2\r'].map((size) =>
    [`the chunk size ${JSON.stringify(size)}`, post(chunked, `${size}\r\n{}\r\n0\r\n\r\n${smuggled}`)] as const),
  ['a bare LF after a chunk size', post(chunked, `2\n{}\r\n0\r\n\r\n${smuggled}`)],
  ['a bare LF in a chunk extension', post(chunked, `2;a\n{}\r\n0\r\n\r\n${smuggled}`)],
  ['a bare CR in a chunk extension', post(chunked, `2;a\rb\r\n{}\r\n0\r\n\r\n${smuggled}`)],
  ['a chunk without its end', post(chunked, `2\r\n{}xx\r\n0\r\n\r\n${smuggled}`)],
  ['a Content-Length among the trailers', post(chunked, `2\r\n{}\r\n0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`)],
  ['a bare LF after the first line', `GET ${target} HTTP/1.1\n${host}\r\n`],
  ['a bare LF after a header', get('Host: x\nX: y\r\n')],
  ['a bare LF at the end', `GET ${target} HTTP/1.1\r\nHost: x\r\n\n`],
  ['a bare CR in a header', get('Host: x\rX: y\r\n')],
  ['obs-fold', get(`${host}X: a\r\n b\r\n`)],
  ['obs-fold that hides chunked', post('Transfer-Encoding:\r\n chunked\r\n', `0\r\n\r\n${smuggled}`)],
  ['obs-fold before the first header', get(` X: a\r\n${host}`)],
  ['a space before a colon', get('Host : x\r\n')],
  ['a space before the colon of Transfer-Encoding', post('Transfer-Encoding : chunked\r\n', `0\r\n\r\n${smuggled}`)],
  ['a tab before the colon of Content-Length', post(`Content-Length\t: ${smuggled.length}\r\n`, smuggled)],
  ['a header without a colon', get(`${host}abc\r\n`)],
  ['a header without a name', get(`${host}: a\r\n`)],
  ...['\x00', '\x01', '\x7f'].flatMap((bad) => [
    [`${JSON.stringify(bad)} in a value`, get(`${host}X: a${bad}b\r\n`)],
    [`${JSON.stringify(bad)} in a name`, get(`${host}X${bad}: a\r\n`)],
    [`${JSON.stringify(bad)} in the target`, `GET /api/aggregated?user_id=smuggled${bad} HTTP/1.1\r\n${host}\r\n`],
  ] as const),
  ...['a', '*', '//\\x', 'ftp://x/a', 'http://', 'http:///a', 'http://y/a', 'http://u:p@x/a', 'x:80', '?a', `${target}#b`, `${target}\x09`, `${target} b`, `${target}\xe9`, `/public/..${target}`, `/public/%2e%2E${target}`, `/.${target}`, `/%2e${target}`, `/api/aggregated/.?user_id=smuggled`, `/api\\aggregated?user_id=smuggled`].map((bad) =>
    [`the target ${JSON.stringify(bad)}`, `GET ${bad} HTTP/1.1\r\n${host}\r\n`] as const),
  ['no Host', get('')],
  ...['', 'x/y', 'x?y', 'x#y', 'u@x', 'x, y', 'x y', 'x:', 'x:a', 'x:123456', '[::1', '::1', '[g::1]', 'x:99999', '[1:2]', '"x"', 'x\\y'].map((name) =>
    [`the Host ${JSON.stringify(name)}`, get(`Host: ${name}\r\n`)] as const),
  ['two equal Hosts', get('Host: x\r\nHost: x\r\n')],
  ['two Hosts', get('Host: x\r\nhost: y\r\n')],
  ['two Hosts of HTTP/1.0', `GET ${target} HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n`],
  ...['HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/11', 'HTTP/1.1x', 'http/1.1', 'HTTP/1,1', 'HTTP /1.1', 'HTTQ/1.1'].map((version) => [`the version ${version}`, `GET ${target} ${version}\r\n${host}\r\n`] as const),
  ['no version', `GET ${target}\r\n\r\n`],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ...['get', 'FOO', 'GE T', 'G\x00T', 'TRACE', 'CONNECT'].map((method) => [`the method ${JSON.stringify(method)}`, `${method} ${method === 'CONNECT' ? 'x:80' : target} HTTP/1.1\r\n${host}\r\n`] as const),
  ['OPTIONS of everything', `OPTIONS * HTTP/1.1\r\n${host}\r\n`],
  ['an expectation that nobody knows', post('Content-Length: 2\r\nExpect: 200-ok\r\n', '{}')],
  ['a body of GET that looks like a request', get(`${host}Content-Length: ${smuggled.length}\r\n`) + smuggled],
];

/** A user that was answered with, or the status of a problem. */
export type Told = string | number;

const user = (id: string, headers = host, prefix = ''): string => `GET ${prefix}/api/aggregated?user_id=${id} HTTP/1.1\r\n${headers}\r\n`;

/** What is unusual and has one reading. */
export const plain: readonly (readonly [name: string, bytes: string, told: readonly Told[]])[] = [
  ['a request', user('1'), ['1']],
  ['a query with what would be another path', `GET /api/aggregated?x=/../\\&user_id=1 HTTP/1.1\r\n${host}\r\n`, ['1']],
  ['dots that are no segments', `GET /..a/...?x HTTP/1.1\r\n${host}\r\n`, [404]],
  ['a request behind empty lines', `\r\n\r\n${user('1')}`, ['1']],
  ['a target in absolute form', user('1', host, 'http://x'), ['1']],
  ['… with another case', user('1', 'Host: X.example\r\n', 'HTTP://x.EXAMPLE'), ['1']],
  ['… without a path', `GET http://x HTTP/1.1\r\n${host}\r\n`, [404]],
  ['a Host with a port', user('1', 'Host: shop.example:8080\r\n'), ['1']],
  ['a Host of IPv6', user('1', 'Host: [::1]:8080\r\n'), ['1']],
  ['a body of GET', `${user('1', `${json}Content-Length: ${smuggled.length}\r\n`)}${smuggled}${user('2')}`, ['1', '2']],
  ['chunks of GET', `${user('1', `${json}${chunked}`)}${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n${user('2')}`, ['1', '2']],
  ['a body', `${post(`Content-Length: ${smuggled.length}\r\n`, smuggled)}${user('2')}`, [405, '2']],
  ['a Content-Length with zeros', `${post('Content-Length: 0002\r\n', '{}')}${user('2')}`, [405, '2']],
  ['a Content-Length of 0', `${post('Content-Length: 0\r\n')}${user('2')}`, [405, '2']],
  ['chunks', `${post(chunked, `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`)}${user('2')}`, [405, '2']],
  ['chunks with extensions', `${post(chunked, '2;a=b;c="d"\r\n{}\r\n0;e\r\n\r\n')}${user('2')}`, [405, '2']],
  ['chunks with trailers', `${post(chunked, '2\r\n{}\r\n0\r\nX-Trailer: Host: y\r\n\r\n')}${user('2')}`, [405, '2']],
  ['chunked in capitals', `${post('Transfer-Encoding: CHUNKED\r\n', '0\r\n\r\n')}${user('2')}`, [405, '2']],
  ['three requests at once', user('1') + user('!') + user('3'), ['1', 400, '3']],
];
