import { z } from 'zod';
import { workersMax } from '../process/workers.ts';
import { analyticsUrl, isNetwork, isOrigin, list, oneOf, port, postgresUrl, rate, redisUrl, url, urls, whole } from './forms.ts';

const samplers = ['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const;

/**
 * Algorithms of JWS whose keys may be published (RFC 7518, RFC 8037). With HS256 and its kin a published key would be the
 * key to sign with, and `none` is none.
 */
const jwtAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

const serviceUrls = urls(url('http:', 'https:').refine(
  (text) => new URL(text).search === '' && new URL(text).hash === '',
  'a URL without a query, since paths are put behind it',
));

/** The variables, their forms and their defaults. docs/configuration.md explains each. */
const variables = {
  NODE_ENV: z.string().default('development'),
  HOST: z.string().default('0.0.0.0'),
  PORT: port.default(8080),
  ADMIN_PORT: port.default(9090),
  WORKERS: whole(0, workersMax).default(1),
  DATABASE_URL: postgresUrl,
  // The only store there is.
  ANALYTICS_URL: analyticsUrl.optional(),
  RECOMMENDATIONS_URL: serviceUrls,
  RECOMMENDATIONS_BULK: oneOf('on', 'off').default('off'),
  SENTIMENT_URL: serviceUrls.optional(),
  CACHE: oneOf('off', 'memory', 'redis').optional(),
  CACHE_L1_BYTES: whole(1, 999_999_999).default(64 * 1024 * 1024),
  CACHE_TENANT: z.string().regex(/^[\w.-]{1,64}$/, '1 to 64 letters, digits, "_", "." or "-"').default('tributary'),
  CACHE_NOTIFY: oneOf('on', 'off').default('on'),
  CACHE_RELOAD: oneOf('nobody', 'anybody').default('nobody'),
  REDIS_URL: redisUrl.optional(),
  POOL_SIZE: whole(1, 500).default(20),
  POOL_WAIT_MS: whole(1, 60_000).default(1_000),
  STATEMENT_TIMEOUT_MS: whole(1, 600_000).default(2_500),
  TIMEOUT_STATUS: oneOf('504', '408').default('504'),
  ADMISSION: oneOf('on', 'off').default('on'),
  IN_FLIGHT_MAX: whole(1, 100_000).default(10_000),
  LIVE_MAX: whole(0, 100_000).default(10_000),
  AUTH: oneOf('none', 'optional', 'jwt').default('none'),
  JWT_JWKS_URL: url('http:', 'https:').optional(),
  JWT_KEYS_FILE: z.string().optional(),
  JWT_ISSUER: z.string().optional(),
  JWT_AUDIENCE: list('one audience or several between commas', () => true).optional(),
  JWT_ALGORITHMS: list(`one or several of ${jwtAlgorithms.join(', ')} between commas`, (name) => jwtAlgorithms.includes(name)).default(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']),
  JWT_CLOCK_SKEW_S: whole(0, 300).default(30),
  JWT_ROLES_CLAIM: z.string().default('roles'),
  RATE_LIMIT: rate.optional(),
  PROXY_HOPS: whole(0, 10).default(0),
  TRUSTED_CALLERS: list('addresses or networks between commas, such as 10.0.0.0/8,::1', isNetwork).default([]),
  CORS_ORIGINS: list('origins between commas, such as https://shop.example, or *', (item) => item === '*' || isOrigin(item)).default([]),
  DOCS: oneOf('on', 'off').optional(),
  SERVER_TIMING: oneOf('everybody', 'operators', 'nobody').optional(),
  LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent').default('info'),
  DRAIN_DELAY_MS: whole(0, 120_000).default(0),
  DRAIN_TIMEOUT_MS: whole(0, 120_000).default(3_000),
  OTEL_TRACES_SAMPLER: oneOf(...samplers).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.string().refine((text) => /^(0(\.\d+)?|1(\.0+)?)$/.test(text), 'a share from 0 to 1').default('1'),
  TRUST_TRACEPARENT: oneOf('true', 'false').default('false'),
};

export const inDevelopment = z.object(variables);
export const inProduction = z.object({
  ...variables,
  AUTH: z.enum(['none', 'optional', 'jwt'], { error: 'one of none, optional, jwt, since with NODE_ENV=production who may ask has to be said' }),
  // The balancer goes on sending for some seconds after it has been told not to.
  DRAIN_DELAY_MS: whole(0, 120_000).default(5_000),
});

export type Variables = z.infer<typeof inDevelopment>;
