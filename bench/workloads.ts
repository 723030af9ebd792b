import { efficiency, type Figure, p50, p99, rps } from './figures.ts';
import { type Service, serviceNamed, variant } from './services.ts';

/** How users are drawn: `fixture/users.lua`. */
export type Ids = 'uniform' | 'zipf' | 'mixed';

export interface Workload {
  readonly name: string;
  /** What happens in it, in a sentence. */
  readonly title: string;
  readonly ids: Ids;
  readonly connections: number;
  readonly rows: readonly Service[];
  /** The rows that the others are compared with, the first above all, and by what. */
  readonly bases: readonly string[];
  readonly by: Figure;
  /** How the stub behaves once the service has started. */
  readonly stub?: string;
  /** Every row asks the stores at least once a request, or it is marked. */
  readonly cold?: true;
  /** The answers lack a part by intention. */
  readonly lacking?: true;
  /** The clients begin spread over so many milliseconds. */
  readonly spreadMs?: number;
  /** A window is no shorter than so many seconds. */
  readonly leastS?: number;
  /** Everything runs where the kernel puts it. */
  readonly unpinned?: true;
}

const named = (...names: string[]): Service[] => names.map(serviceNamed);
const own = serviceNamed('tributary');

const inMemory = { CACHE: 'memory' };

/** With everything in memory before it is measured; each process has a memory of its own. */
const cached = (service: Service, caches = 1): Service => variant(service, service.name, service.title, inMemory, { caches });

const withRedis = variant(own, 'tributary-redis', 'tributary, memory and Redis', { CACHE: 'redis' }, { needs: 'redis' });
const onlyRedis = variant(own, 'tributary-redis', 'tributary, from Redis alone', { CACHE: 'redis', CACHE_L1_BYTES: '1' }, { needs: 'redis', caches: 1 });
const workers = (count: number): Service => variant(own, `tributary-workers-${count}`, `tributary, WORKERS=${count}`, { WORKERS: String(count) });

export const workloads: readonly Workload[] = [
  {
    name: 'cold', title: 'Random users, nothing cached', ids: 'uniform', connections: 50, cold: true,
    rows: named('tributary', 'tributary-log', 'tributary-bulk', 'tributary-trace-5', 'tributary-trace-100', 'no-engine', 'go', 'rust', 'fastify', 'fastapi-aiohttp'),
    bases: ['rust', 'no-engine'], by: efficiency,
  },
  {
    name: 'hot', title: 'Users by Zipf, all in the memory of Tributary and of bare; the peers cache nothing', ids: 'zipf', connections: 50,
    rows: [...named('tributary', 'tributary-unread', 'tributary-jwt', 'tributary-trace-5', 'tributary-trace-100').map((service) => cached(service)), ...named('bare', 'go', 'rust')],
    bases: ['bare', 'rust'], by: efficiency,
  },
  {
    name: 'mixed', title: 'Nine in ten by Zipf among 200 users, one in ten random', ids: 'mixed', connections: 50,
    // Not warmed: one in ten is to find nothing, for a while.
    rows: [variant(own, own.name, own.title, inMemory), withRedis], bases: ['tributary'], by: efficiency,
  },
  {
    name: 'one', title: 'Cold, one connection', ids: 'uniform', connections: 1, cold: true,
    rows: named('tributary', 'rust', 'fastify'), bases: ['fastify'], by: p50,
  },
  {
    name: 'many', title: 'Cold, 500 connections', ids: 'uniform', connections: 500, cold: true,
    rows: named('tributary', 'no-engine', 'go', 'rust', 'fastify'), bases: ['rust', 'fastify'], by: efficiency,
  },
  {
    name: 'slow', title: 'Cold, the upstream takes 20 ms', ids: 'uniform', connections: 50, cold: true, stub: 'delay_ms=20',
    rows: named('tributary', 'no-engine', 'go', 'rust', 'fastify'), bases: ['rust', 'fastify'], by: efficiency,
  },
  {
    name: 'hang', title: 'Cold, 1,000 connections, the upstream never answers; the deadline is 2 s', ids: 'uniform', connections: 1_000,
    // Five deadlines long. Spread over one, or a thousand deadlines would end together and wait for each other's answers.
    stub: 'mode=hang', lacking: true, leastS: 10, spreadMs: 2_000, rows: named('tributary'), bases: [], by: p99,
  },
  {
    name: 'redis', title: 'Users by Zipf, all in Redis and none in memory', ids: 'zipf', connections: 50,
    rows: [cached(own), onlyRedis], bases: ['tributary'], by: efficiency,
  },
  {
    name: 'workers', title: 'Cold, unpinned, one process and two', ids: 'uniform', connections: 50, cold: true, unpinned: true,
    rows: [workers(1), workers(2)], bases: ['tributary-workers-1'], by: rps,
  },
  {
    name: 'workers-hot', title: 'Hot, unpinned, one process and two', ids: 'zipf', connections: 50, unpinned: true,
    rows: [cached(workers(1)), cached(workers(2), 2)], bases: ['tributary-workers-1'], by: rps,
  },
];

/** Those that are measured unless some are asked for; the goals need them, and they take some sixteen minutes. */
export const usual: readonly string[] = ['cold', 'hot', 'mixed', 'one', 'hang', 'workers', 'workers-hot'];
