import type { ClientsConfig } from './clients/clients.ts';
import type { Rate } from './clients/rate-windows.ts';
import { shown, withoutSecrets } from './config/shown.ts';
import { inDevelopment, inProduction, type Variables } from './config/variables.ts';
import type { TokenRules } from './http/auth/tokens.ts';
import type { Audience } from './http/edge.ts';
import type { Sampling } from './http/trace-context.ts';

/** Whose tokens are believed, and where their keys are. */
export interface JwtConfig extends TokenRules {
  /** Where the keys are published (RFC 7517); or else `keysFile`. */
  readonly jwksUrl: string | undefined;
  readonly keysFile: string | undefined;
}

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
  /** Whether `Cache-Control: no-cache` of any client is obeyed, and not of operators only. */
  readonly mayReload: boolean;
  readonly timeoutStatus: 504 | 408;
  /** Whether requests are shed where there are more than can be answered. */
  readonly admission: boolean;
  /** Requests under way, beyond which more are shed whatever the load. */
  readonly inFlightMax: number;
  /** Live answers that may be open in a process at the same time; 0 for none at all. */
  readonly liveMax: number;
  /** Who has to say who they are: nobody, who changes something, or everybody whose answer is not public. */
  readonly auth: 'none' | 'optional' | 'jwt';
  /** Undefined if `auth` is none. */
  readonly jwt: JwtConfig | undefined;
  /** How often each caller may ask; undefined for as often as they like. */
  readonly rateLimit: Rate | undefined;
  /** How many proxies stand before this process and add to `X-Forwarded-For`. */
  readonly proxyHops: number;
  /** Networks whose callers may state a deadline and a priority. */
  readonly trustedCallers: readonly string[];
  /** Origins whose pages may read answers in browsers. */
  readonly corsOrigins: readonly string[];
  /** Whether `/openapi.json` and `/docs` are there. */
  readonly docs: boolean;
  /** Who is told how long each part took. */
  readonly serverTiming: Audience;
  readonly logLevel: string;
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly sampling: Sampling;
}

/** Everything that is wrong with the environment, a line for each variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

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
  // Among several workers not even an error would say so.
  if (env.PORT === env.ADMIN_PORT && env.PORT !== 0) throw new ConfigError(`ADMIN_PORT: expected another port than PORT, but got ${env.PORT} for both`);
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
    sentimentUrl: env.SENTIMENT_URL,
    ...cacheOf(env),
    poolSize: env.POOL_SIZE,
    poolWaitMs: env.POOL_WAIT_MS,
    statementTimeoutMs: env.STATEMENT_TIMEOUT_MS,
    timeoutStatus: env.TIMEOUT_STATUS === '408' ? 408 : 504,
    admission: env.ADMISSION === 'on',
    inFlightMax: env.IN_FLIGHT_MAX,
    liveMax: env.LIVE_MAX,
    auth: env.AUTH,
    jwt: env.AUTH === 'none' ? undefined : jwtOf(env),
    rateLimit: env.RATE_LIMIT,
    proxyHops: env.PROXY_HOPS,
    trustedCallers: env.TRUSTED_CALLERS,
    corsOrigins: env.CORS_ORIGINS,
    docs: (env.DOCS ?? (production ? 'off' : 'on')) === 'on',
    serverTiming: env.SERVER_TIMING ?? (production ? 'operators' : 'everybody'),
    logLevel: env.LOG_LEVEL,
    drainDelayMs: env.DRAIN_DELAY_MS,
    drainTimeoutMs: env.DRAIN_TIMEOUT_MS,
    sampling: samplingOf(env.OTEL_TRACES_SAMPLER, Number(env.OTEL_TRACES_SAMPLER_ARG), env.TRUST_TRACEPARENT === 'true'),
  };
}

type CacheConfig = Pick<Config, 'cache' | 'cacheBytes' | 'cacheTenant' | 'redisUrl' | 'cacheNotify' | 'mayReload'>;

/** Redis where there is a URL for it, unless CACHE says otherwise. */
function cacheOf(env: Variables): CacheConfig {
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

/** All that a token has to be compared with has to be said: a token for somebody else would be as good as one for us. */
function jwtOf(env: Variables): JwtConfig {
  const { JWT_JWKS_URL: jwksUrl, JWT_KEYS_FILE: keysFile, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = env;
  const missing = [
    ...((jwksUrl === undefined) === (keysFile === undefined) ? [`JWT_JWKS_URL: expected either it or JWT_KEYS_FILE, since AUTH=${env.AUTH}, but got ${jwksUrl === undefined ? 'neither' : 'both'}`] : []),
    ...(issuer === undefined ? [`JWT_ISSUER: expected who issues the tokens, since AUTH=${env.AUTH}, but got nothing`] : []),
    ...(audience === undefined ? [`JWT_AUDIENCE: expected whom the tokens are for, since AUTH=${env.AUTH}, but got nothing`] : []),
  ];
  if (issuer === undefined || audience === undefined || missing.length > 0) throw new ConfigError(missing.join('\n'));
  return { jwksUrl, keysFile, issuer, audience, algorithms: env.JWT_ALGORITHMS, clockSkewMs: env.JWT_CLOCK_SKEW_S * 1_000, rolesClaim: env.JWT_ROLES_CLAIM };
}

/** OTEL_TRACES_SAMPLER as OpenTelemetry defines it; a `parentbased_` one believes the caller only where callers are trusted. */
function samplingOf(sampler: Variables['OTEL_TRACES_SAMPLER'], share: number, trusted: boolean): Sampling {
  const ratio = sampler.endsWith('always_on') ? 1 : sampler.endsWith('always_off') ? 0 : share;
  return { ratio, trustParent: trusted && sampler.startsWith('parentbased_') };
}

/** The configuration for people's eyes: passwords in URLs are left out. */
export function redacted(config: Config): Record<string, unknown> {
  return JSON.parse(JSON.stringify(config, (name, value: unknown) => (name.endsWith('Url') ? eachWithoutSecrets(value) : value))) as Record<string, unknown>;
}

function eachWithoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(eachWithoutSecrets);
  return typeof value === 'string' ? withoutSecrets(value) : value;
}
