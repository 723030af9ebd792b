import { z } from 'zod';
import { analyticsSchemes } from './clients/analytics.ts';
import type { ClientsConfig } from './clients/clients.ts';
import { parseRedisUrl } from './clients/redis-url.ts';
import type { Sampling } from './http/trace-context.ts';
import { workersMax } from './process/workers.ts';

export interface Config extends ClientsConfig {
  /** NODE_ENV=production. */
  readonly production: boolean;
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  /** How many processes serve; 0 for as many as there are cores. Whoever starts them reads it by itself (workers.ts). */
  readonly workers: number;
  /** Where answers are kept: nowhere, in this process, or there and in Redis. */
  readonly cache: 'off' | 'memory' | 'redis';
  readonly cacheBytes: number;
  readonly cacheTenant: string;
  /** Undefined unless answers are kept there. */
  readonly redisUrl: string | undefined;
  /** Whether to listen to what the triggers of `npm run db:notify` say. */
  readonly cacheNotify: boolean;
  /** Whether `Cache-Control: no-cache` of a client is obeyed. */
  readonly mayReload: boolean;
  readonly timeoutStatus: 504 | 408;
  readonly auth: 'none';
  readonly logLevel: string;
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly sampling: Sampling;
}

/** Everything that is wrong with the environment, a line for each variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const whole = (least: number, most: number) =>
  z.string().regex(/^\d{1,9}$/, `a whole number from ${least} to ${most}`).transform(Number)
    .refine((value) => value >= least && value <= most, `a whole number from ${least} to ${most}`);

const port = whole(0, 65_535);

function url(...schemes: string[]) {
  const expected = `a URL that starts with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`;
  return z.string({ error: expected })
    .refine((text) => URL.canParse(text) && schemes.some((scheme) => text.startsWith(`${scheme}//`)), { error: expected, abort: true })
    .refine(isUnambiguous, { error: 'a URL in which every /, ?, # and @ of user, password and path is percent-encoded', abort: true });
}

/** An unencoded / in a password ends the host early, and the rest of the password is taken for a path. */
const isUnambiguous = (text: string): boolean => !/[/?#][^]*@/.test(text.slice(text.indexOf('//') + 2));

function isRedisUrl(text: string, context: z.RefinementCtx): void {
  try {
    parseRedisUrl(text);
  } catch (error) {
    const [, expected = 'a Redis URL'] = /^expected (.*?)(, but got .*)?$/s.exec((error as Error).message) ?? [];
    context.addIssue(expected);
  }
}

function oneOf<const T extends string>(...values: T[]) {
  return z.enum(values, { error: `one of ${values.join(', ')}` });
}

const samplers = ['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const;

/** The variables, their forms and their defaults. docs/configuration.md explains each. */
const variables = {
  NODE_ENV: z.string().default('development'),
  HOST: z.string().default('0.0.0.0'),
  PORT: port.default(8080),
  ADMIN_PORT: port.default(9090),
  WORKERS: whole(0, workersMax).default(1),
  DATABASE_URL: url('postgres:', 'postgresql:'),
  ANALYTICS_URL: url(...analyticsSchemes).optional(),
  RECOMMENDATIONS_URL: url('http:', 'https:').refine(
    (text) => new URL(text).search === '' && new URL(text).hash === '',
    'a URL without a query, since paths are put behind it',
  ),
  RECOMMENDATIONS_BULK: oneOf('on', 'off').default('off'),
  CACHE: oneOf('off', 'memory', 'redis').optional(),
  CACHE_L1_BYTES: whole(1, 999_999_999).default(64 * 1024 * 1024),
  CACHE_TENANT: z.string().regex(/^[\w.-]{1,64}$/, '1 to 64 letters, digits, "_", "." or "-"').default('tributary'),
  CACHE_NOTIFY: oneOf('on', 'off').default('on'),
  CACHE_RELOAD: oneOf('nobody', 'anybody').default('nobody'),
  REDIS_URL: z.string().superRefine(isRedisUrl).optional(),
  POOL_SIZE: whole(1, 500).default(20),
  POOL_WAIT_MS: whole(1, 60_000).default(1_000),
  STATEMENT_TIMEOUT_MS: whole(1, 600_000).default(2_500),
  TIMEOUT_STATUS: oneOf('504', '408').default('504'),
  AUTH: oneOf('none').default('none'),
  LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent').default('info'),
  DRAIN_DELAY_MS: whole(0, 120_000).default(0),
  DRAIN_TIMEOUT_MS: whole(0, 120_000).default(3_000),
  OTEL_TRACES_SAMPLER: oneOf(...samplers).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.string().refine((text) => /^(0(\.\d+)?|1(\.0+)?)$/.test(text), 'a share from 0 to 1').default('1'),
  TRUST_TRACEPARENT: oneOf('true', 'false').default('false'),
};

const inDevelopment = z.object(variables);
const inProduction = z.object({
  ...variables,
  AUTH: z.enum(['none'], { error: 'one of none, since with NODE_ENV=production who may ask has to be said' }),
  // The balancer goes on sending for some seconds after it has been told not to.
  DRAIN_DELAY_MS: whole(0, 120_000).default(5_000),
});

/** The configuration in an environment. An empty variable counts as unset. Throws a ConfigError that names every bad variable. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''));
  const production = given['NODE_ENV'] === 'production';
  const result = (production ? inProduction : inDevelopment).safeParse(given);
  if (!result.success) {
    const lines = result.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      return `${name}: expected ${message}, but got ${shown(name, given[name])}`;
    });
    throw new ConfigError(lines.join('\n'));
  }
  const env = result.data;
  return {
    production,
    host: env.HOST,
    port: env.PORT,
    adminPort: env.ADMIN_PORT,
    workers: env.WORKERS,
    databaseUrl: env.DATABASE_URL,
    analyticsUrl: env.ANALYTICS_URL ?? env.DATABASE_URL,
    recommendationsUrl: env.RECOMMENDATIONS_URL,
    recommendationsBulk: env.RECOMMENDATIONS_BULK === 'on',
    ...cacheOf(env),
    poolSize: env.POOL_SIZE,
    poolWaitMs: env.POOL_WAIT_MS,
    statementTimeoutMs: env.STATEMENT_TIMEOUT_MS,
    timeoutStatus: env.TIMEOUT_STATUS === '408' ? 408 : 504,
    auth: env.AUTH,
    logLevel: env.LOG_LEVEL,
    drainDelayMs: env.DRAIN_DELAY_MS,
    drainTimeoutMs: env.DRAIN_TIMEOUT_MS,
    sampling: samplingOf(env.OTEL_TRACES_SAMPLER, Number(env.OTEL_TRACES_SAMPLER_ARG), env.TRUST_TRACEPARENT === 'true'),
  };
}

type CacheConfig = Pick<Config, 'cache' | 'cacheBytes' | 'cacheTenant' | 'redisUrl' | 'cacheNotify' | 'mayReload'>;

/** Redis where there is a URL for it, unless CACHE says otherwise. */
function cacheOf(env: z.infer<typeof inDevelopment>): CacheConfig {
  const cache = env.CACHE ?? (env.REDIS_URL === undefined ? 'memory' : 'redis');
  if (cache === 'redis' && env.REDIS_URL === undefined) {
    throw new ConfigError('REDIS_URL: expected a URL such as redis://127.0.0.1:6379, since CACHE=redis, but got nothing');
  }
  return {
    cache,
    cacheBytes: env.CACHE_L1_BYTES,
    cacheTenant: env.CACHE_TENANT,
    redisUrl: cache === 'redis' ? env.REDIS_URL : undefined,
    cacheNotify: env.CACHE_NOTIFY === 'on' && cache !== 'off',
    mayReload: env.CACHE_RELOAD === 'anybody',
  };
}

/** OTEL_TRACES_SAMPLER as OpenTelemetry defines it; a `parentbased_` one believes the caller only where callers are trusted. */
function samplingOf(sampler: (typeof samplers)[number], share: number, trusted: boolean): Sampling {
  const ratio = sampler.endsWith('always_on') ? 1 : sampler.endsWith('always_off') ? 0 : share;
  return { ratio, trustParent: trusted && sampler.startsWith('parentbased_') };
}

/** The configuration for people's eyes: passwords in URLs are left out. */
export function redacted(config: Config): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).map(([name, value]: [string, unknown]) =>
    [name, typeof value === 'string' && name.endsWith('Url') ? withoutSecrets(value) : value]));
}

function withoutSecrets(text: string): string {
  // Of several servers, which `URL` does not know; they have no other place for a password.
  if (/^rediss?[+:]/.test(text)) return text.replace(/\/\/[^]*@/, '//***@');
  // What is not a proper URL may hold a password anywhere.
  if (!URL.canParse(text) || !/^[a-z]+:\/\//.test(text) || !isUnambiguous(text)) return '(not a URL)';
  const parsed = new URL(text);
  if (parsed.password !== '') parsed.password = '***';
  // Query parameters may hold passwords and keys too: only their names are shown.
  for (const name of new Set(parsed.searchParams.keys())) parsed.searchParams.set(name, '***');
  return parsed.href;
}

function shown(name: string, value: string | undefined): string {
  if (value === undefined) return 'nothing';
  return JSON.stringify(name.endsWith('_URL') ? withoutSecrets(value) : value);
}
