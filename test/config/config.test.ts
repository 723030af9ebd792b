import { expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../src/config.ts';

const needed = { DATABASE_URL: 'postgres://app@db:5432/app', RECOMMENDATIONS_URL: 'http://recommender:8000' };

/** What is wrong with an environment, line by line. */
function complaints(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n');
  }
}

test('two variables are needed, everything else has a default', () => {
  expect(readConfig(needed)).toEqual({
    production: false,
    host: '0.0.0.0',
    port: 8080,
    adminPort: 9090,
    workers: 1,
    cache: 'memory',
    cacheBytes: 67_108_864,
    cacheTenant: 'tributary',
    redisUrl: undefined,
    cacheNotify: true,
    mayReload: false,
    databaseUrl: 'postgres://app@db:5432/app',
    analyticsUrl: 'postgres://app@db:5432/app',
    recommendationsUrl: ['http://recommender:8000'],
    recommendationsBulk: false,
    sentimentUrl: undefined,
    poolSize: 20,
    poolWaitMs: 1_000,
    statementTimeoutMs: 2_500,
    timeoutStatus: 504,
    admission: true,
    inFlightMax: 10_000,
    liveMax: 10_000,
    auth: 'none',
    jwt: undefined,
    rateLimit: undefined,
    proxyHops: 0,
    trustedCallers: [],
    corsOrigins: [],
    docs: true,
    serverTiming: 'everybody',
    logLevel: 'info',
    drainDelayMs: 0,
    drainTimeoutMs: 3_000,
    sampling: { ratio: 1, trustParent: false },
  });
});

test('every variable is read', () => {
  expect(readConfig({
    NODE_ENV: 'production', HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '65535', DATABASE_URL: 'postgresql://a@b/c', ANALYTICS_URL: 'postgres://d@e/f', RECOMMENDATIONS_URL: 'https://g/h, http://i:1', SENTIMENT_URL: 'http://j/k',
    POOL_SIZE: '1', POOL_WAIT_MS: '60000', STATEMENT_TIMEOUT_MS: '600000', TIMEOUT_STATUS: '408', AUTH: 'none', LOG_LEVEL: 'silent', DRAIN_DELAY_MS: '0', DRAIN_TIMEOUT_MS: '120000',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25', TRUST_TRACEPARENT: 'true',
    WORKERS: '0', RECOMMENDATIONS_BULK: 'on', CACHE: 'redis', REDIS_URL: 'rediss://:p@i:1/2', CACHE_L1_BYTES: '1', CACHE_TENANT: 'shop.eu-1', CACHE_NOTIFY: 'off', CACHE_RELOAD: 'anybody',
    ADMISSION: 'off', IN_FLIGHT_MAX: '500', LIVE_MAX: '0', RATE_LIMIT: '600/1m', PROXY_HOPS: '2', TRUSTED_CALLERS: '10.0.0.0/8, ::1', CORS_ORIGINS: 'https://shop.example,http://localhost:3000', SERVER_TIMING: 'nobody', DOCS: 'on',
  })).toEqual({
    workers: 0, recommendationsBulk: true, cache: 'redis', redisUrl: 'rediss://:p@i:1/2', cacheBytes: 1, cacheTenant: 'shop.eu-1', cacheNotify: false, mayReload: true,
    production: true, host: '127.0.0.1', port: 0, adminPort: 65_535, databaseUrl: 'postgresql://a@b/c', analyticsUrl: 'postgres://d@e/f', recommendationsUrl: ['https://g/h', 'http://i:1'], sentimentUrl: ['http://j/k'],
    poolSize: 1, poolWaitMs: 60_000, statementTimeoutMs: 600_000, timeoutStatus: 408, auth: 'none', logLevel: 'silent', drainDelayMs: 0, drainTimeoutMs: 120_000,
    admission: false, inFlightMax: 500, liveMax: 0, jwt: undefined, rateLimit: { count: 600, windowMs: 60_000 }, proxyHops: 2, trustedCallers: ['10.0.0.0/8', '::1'], corsOrigins: ['https://shop.example', 'http://localhost:3000'], serverTiming: 'nobody', docs: true,
    sampling: { ratio: 0.25, trustParent: true },
  });
});

test('answers are kept in Redis where there is one, unless the configuration says otherwise', () => {
  const read = (more: Record<string, string>) => {
    const { cache, redisUrl, cacheNotify } = readConfig({ ...needed, ...more });
    return [cache, redisUrl, cacheNotify];
  };
  const REDIS_URL = 'redis+cluster://a:1,b:2';
  expect(read({ REDIS_URL })).toEqual(['redis', REDIS_URL, true]);
  expect(read({ REDIS_URL, CACHE: 'memory' })).toEqual(['memory', undefined, true]);
  expect(read({ REDIS_URL, CACHE: 'off' })).toEqual(['off', undefined, false]);
  expect(read({ CACHE: 'off' })).toEqual(['off', undefined, false]);
  expect(complaints({ ...needed, CACHE: 'redis' })).toEqual(['REDIS_URL: expected a URL such as redis://127.0.0.1:6379, since CACHE=redis, but got nothing']);
});

test('variables that are empty or not known do not count', () => {
  expect(readConfig({ ...needed, PORT: '', AUTH: '', ANALYTICS_URL: '', LOG_LEVEL: undefined, PATH: '/bin', TRIBUTARY: '1' })).toEqual(readConfig(needed));
  expect(complaints({ ...needed, DATABASE_URL: '' })).toHaveLength(1);
});

const url = 'a URL that starts with';
const wholeNumber = (least: number, most: number) => `a whole number from ${least} to ${most}`;

test.each([
  ['PORT', ['http', '-1', '1.5', '65536', '8080 ', '0x50', '1e3', '99999999999'], wholeNumber(0, 65_535)],
  ['ADMIN_PORT', ['http', '65536'], wholeNumber(0, 65_535)],
  ['POOL_SIZE', ['0', '501', 'many'], wholeNumber(1, 500)],
  ['POOL_WAIT_MS', ['0', '60001'], wholeNumber(1, 60_000)],
  ['STATEMENT_TIMEOUT_MS', ['0', '600001'], wholeNumber(1, 600_000)],
  ['DRAIN_DELAY_MS', ['-1', '120001'], wholeNumber(0, 120_000)],
  ['DRAIN_TIMEOUT_MS', ['5s', '120001'], wholeNumber(0, 120_000)],
  ['TIMEOUT_STATUS', ['500', '504 ', 'yes'], 'one of 504, 408'],
  ['AUTH', ['oidc', 'None'], 'one of none, optional, jwt'],
  ['WORKERS', ['-1', '129', 'all'], wholeNumber(0, 128)],
  ['CACHE', ['on', 'Redis'], 'one of off, memory, redis'],
  ['CACHE_L1_BYTES', ['0', '64MiB', '1000000000'], wholeNumber(1, 999_999_999)],
  ['CACHE_TENANT', ['a b', 'é', 'x'.repeat(65)], '1 to 64 letters, digits, "_", "." or "-"'],
  ['CACHE_NOTIFY', ['yes'], 'one of on, off'],
  ['CACHE_RELOAD', ['yes'], 'one of nobody, anybody'],
  ['RECOMMENDATIONS_BULK', ['true'], 'one of on, off'],
  ['LOG_LEVEL', ['loud', 'INFO'], 'one of trace, debug, info, warn, error, fatal, silent'],
  ['OTEL_TRACES_SAMPLER', ['always', 'jaeger_remote'], 'one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio'],
  ['OTEL_TRACES_SAMPLER_ARG', ['2', '-0.1', '1.1', '50%', '.5', '1e-3'], 'a share from 0 to 1'],
  ['TRUST_TRACEPARENT', ['yes', '1', 'TRUE'], 'one of true, false'],
])('%s: a bad value is named with what was expected and what came', (name, values, expected) => {
  for (const value of values) expect(complaints({ ...needed, [name]: value })).toEqual([`${name}: expected ${expected}, but got ${JSON.stringify(value)}`]);
});

test.each([
  ['DATABASE_URL', `${url} postgres:// or postgresql://`],
  ['ANALYTICS_URL', `${url} postgres:// or postgresql:// or clickhouse:// or clickhouses://`],
  ['RECOMMENDATIONS_URL', `${url} http:// or https://`],
])('%s: another scheme, or none, is refused', (name, expected) => {
  expect(complaints({ ...needed, [name]: 'mysql://db/app' })).toEqual([`${name}: expected ${expected}, but got "mysql://db/app"`]);
  expect(complaints({ ...needed, [name]: '//db/app' })).toEqual([`${name}: expected ${expected}, but got "(not a URL)"`]);
});

test.each(['postgres:db/app', 'postgres:/db/app', 'postgres:'])('%s has the right scheme and not its slashes: it is refused as well', (text) => {
  expect(complaints({ ...needed, DATABASE_URL: text })).toHaveLength(1);
});

test('a URL without a host is one: the socket is in its query', () => {
  expect(complaints({ ...needed, DATABASE_URL: 'postgres:///app?host=/run/postgresql' })).toEqual([]);
});

test.each([
  'postgres://app@a,b/app', 'postgresql://a:5432,b:5433,[::1]:5434/app?target_session_attrs=read-write', 'postgres://app:a,b@c/app', 'postgres://a/app?target_session_attrs=prefer-standby',
])('a store may be several servers: %s', (text) => {
  expect(complaints({ ...needed, DATABASE_URL: text, ANALYTICS_URL: text })).toEqual([]);
});

const example = 'such as postgres://a:5432,b:5432/app';

test.each([
  ['postgres://app@a,,b/app', `each of several servers to be a host or host:port, ${example}`],
  ['postgres://app@a,:5432/app', `each of several servers to be a host or host:port, ${example}`],
  ['postgres://app@a:5432,b:port/app', `each of several servers to be a host or host:port, ${example}`],
  ['postgres://app@a,b/app?port=5432,5433', `several servers before the path and not in parameters, ${example}`],
  ['postgres:///app?host=a,b', `several servers before the path and not in parameters, ${example}`],
  ['postgres://a,b/app?target_session_attrs=master', 'target_session_attrs to be one of any, read-write, read-only, primary, standby, prefer-standby'],
])('several servers that are not understood: %s', (text, expected) => {
  const [complaint, ...others] = complaints({ ...needed, DATABASE_URL: text });
  expect(complaint).toMatch(`DATABASE_URL: expected ${expected}, but got `);
  expect(others).toEqual([]);
});

test('paths are put behind the URL of the recommender, so it cannot have a query or a fragment', () => {
  for (const text of ['http://r/?key=1', 'http://r/#top']) expect(complaints({ ...needed, RECOMMENDATIONS_URL: text })).toHaveLength(1);
});

test.each([
  ['http://r,mysql://b', `${url} http:// or https://`, '"http://r/,mysql://b"'],
  ['http://r,', `${url} http:// or https://`, '"(not a URL)"'],
  ['http://r:hunter2@a/v1,http://b?x=hunter2', 'a URL without a query, since paths are put behind it', '"http://r:***@a/v1,http://b/?x=***"'],
])('of several URLs of the recommender each has to be one: %s', (text, expected, shown) => {
  expect(complaints({ ...needed, RECOMMENDATIONS_URL: text })).toEqual([`RECOMMENDATIONS_URL: expected ${expected}, but got ${shown}`]);
});

test('everything that is wrong is said at once, a line for each variable', () => {
  expect(complaints({ PORT: 'http', LOG_LEVEL: 'loud', OTEL_TRACES_SAMPLER_ARG: '7' }).map((line) => line.split(':')[0]))
    .toEqual(['PORT', 'DATABASE_URL', 'RECOMMENDATIONS_URL', 'LOG_LEVEL', 'OTEL_TRACES_SAMPLER_ARG']);
});

const auth = 'AUTH: expected one of none, optional, jwt, since with NODE_ENV=production who may ask has to be said, but got nothing';

test('in production it has to be said who may ask', () => {
  expect(complaints({ ...needed, NODE_ENV: 'production' })).toEqual([auth]);
  expect(complaints({ ...needed, NODE_ENV: 'production', AUTH: 'none' })).toEqual([]);
  expect(complaints({ ...needed, NODE_ENV: 'test' })).toEqual([]);
});

test('… which is said at once with everything else', () => {
  expect(complaints({ ...needed, NODE_ENV: 'production', PORT: 'http' })).toContain(auth);
  expect(complaints({ NODE_ENV: 'production' })).toContain(auth);
});

test.each([
  ['production', undefined, 5_000],
  ['production', '0', 0],
  ['production', '7000', 7_000],
  ['development', undefined, 0],
  [undefined, '7000', 7_000],
])('with NODE_ENV %s and a drain delay of %s it is %d ms', (NODE_ENV, DRAIN_DELAY_MS, ms) => {
  expect(readConfig({ ...needed, NODE_ENV, DRAIN_DELAY_MS, AUTH: 'none' }).drainDelayMs).toBe(ms);
});

test.each([
  ['always_on', '0.5', 'true', { ratio: 1, trustParent: false }],
  ['always_off', '0.5', 'true', { ratio: 0, trustParent: false }],
  ['traceidratio', '0.5', 'true', { ratio: 0.5, trustParent: false }],
  ['parentbased_always_on', '0.5', 'true', { ratio: 1, trustParent: true }],
  ['parentbased_always_off', '0.5', 'true', { ratio: 0, trustParent: true }],
  ['parentbased_traceidratio', '0.5', 'true', { ratio: 0.5, trustParent: true }],
  ['parentbased_traceidratio', '0', 'false', { ratio: 0, trustParent: false }],
  ['traceidratio', undefined, undefined, { ratio: 1, trustParent: false }],
  ['traceidratio', '1.0', undefined, { ratio: 1, trustParent: false }],
  [undefined, '0.5', undefined, { ratio: 1, trustParent: false }],
])('the sampler %s with %s, callers trusted: %s', (OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, TRUST_TRACEPARENT, sampling) => {
  expect(readConfig({ ...needed, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, TRUST_TRACEPARENT }).sampling).toEqual(sampling);
});

const jwt = { AUTH: 'jwt', JWT_JWKS_URL: 'https://id.example/keys', JWT_ISSUER: 'https://id.example', JWT_AUDIENCE: 'tributary, shop' };

test('tokens are compared with an issuer, audiences and algorithms that have public keys', () => {
  expect(readConfig({ ...needed, ...jwt }).jwt).toEqual({
    jwksUrl: 'https://id.example/keys', keysFile: undefined, issuer: 'https://id.example', audience: ['tributary', 'shop'],
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'], clockSkewMs: 30_000, rolesClaim: 'roles',
  });
});

test('with AUTH=jwt all that a token has to be compared with has to be said', () => {
  expect(complaints({ ...needed, AUTH: 'jwt' })).toEqual([
    'JWT_JWKS_URL: expected either it or JWT_KEYS_FILE, since AUTH=jwt, but got neither',
    'JWT_ISSUER: expected who issues the tokens, since AUTH=jwt, but got nothing',
    'JWT_AUDIENCE: expected whom the tokens are for, since AUTH=jwt, but got nothing',
  ]);
  expect(complaints({ ...needed, ...jwt, JWT_KEYS_FILE: 'keys.json' })).toEqual(['JWT_JWKS_URL: expected either it or JWT_KEYS_FILE, since AUTH=jwt, but got both']);
});

test.each(['HS256', 'none', 'RS256,HS512', ''])('no algorithm whose key cannot be published: %j', (JWT_ALGORITHMS) => {
  const expected = JWT_ALGORITHMS === '' ? [] : [expect.stringContaining('JWT_ALGORITHMS: expected one or several of RS256')];
  expect(complaints({ ...needed, ...jwt, JWT_ALGORITHMS })).toEqual(expected);
});

test.each([
  ['RATE_LIMIT', '600', 'off, or how often within how long, such as 600/1m'],
  ['RATE_LIMIT', '600/99999m', 'off, or how often within how long, such as 600/1m'],
  ['RATE_LIMIT', '0/1m', 'off, or how often within how long, such as 600/1m'],
  ['TRUSTED_CALLERS', '10.0.0.0/33', 'addresses or networks between commas, such as 10.0.0.0/8,::1'],
  ['TRUSTED_CALLERS', 'localhost', 'addresses or networks between commas, such as 10.0.0.0/8,::1'],
  ['CORS_ORIGINS', 'https://shop.example/', 'origins between commas, such as https://shop.example, or *'],
  ['CORS_ORIGINS', 'shop.example', 'origins between commas, such as https://shop.example, or *'],
])('%s=%s is refused, and it is said what was expected', (name, value, expected) => {
  expect(complaints({ ...needed, [name]: value })).toEqual([`${name}: expected ${expected}, but got ${JSON.stringify(value)}`]);
});

test('who is told how long each part took: everybody in development, operators in production, or as configured', () => {
  const told = [{}, { NODE_ENV: 'production', AUTH: 'none' }, { SERVER_TIMING: 'nobody' }].map((more) => readConfig({ ...needed, ...more }).serverTiming);
  expect(told).toEqual(['everybody', 'operators', 'nobody']);
});

test('operators have a port of their own', () => {
  expect(complaints({ ...needed, PORT: '9090' })).toEqual(['ADMIN_PORT: expected another port than PORT, but got 9090 for both']);
  expect(complaints({ ...needed, PORT: '0', ADMIN_PORT: '0' })).toEqual([]);
});
