import { Cluster, type ClusterOptions, Redis } from 'ioredis';
import { ServerConnector } from './redis-connector.ts';
import { accessOf, commonOptions, connectMs, type Options, untilRetryMs } from './redis-options.ts';
import { sentinelConnector } from './redis-sentinel.ts';
import type { ClusterRedis, RedisAddress, SentinelRedis, SingleRedis } from './redis-url.ts';

/** A silence that commands are given is none to hang up for. */
const silence = (answerMs: number) => ({ socketTimeout: Math.max(connectMs, answerMs) });

/** A connection that keeps coming back. */
export const createConnection = (place: SingleRedis | SentinelRedis, answerMs: number): Redis =>
  new Redis({ ...commonOptions, ...silence(answerMs), ...accessOf(place), ...whereabouts(place, false), retryStrategy: untilRetryMs });

/** A connection that is made once: who hears on it has to know when it is gone. */
export const createEar = (place: SingleRedis | SentinelRedis): Redis =>
  new Redis({ ...commonOptions, ...accessOf(place), ...whereabouts(place, true), retryStrategy: null });

/** The same, to one node of a cluster: each of them tells what any of them is told. */
export const createNodeEar = (place: ClusterRedis, { host, port }: RedisAddress): Redis =>
  new Redis({ ...commonOptions, ...accessOf(place), Connector: ServerConnector, host, port, retryStrategy: null });

export function createCluster(place: ClusterRedis, answerMs: number): Cluster {
  return new Cluster(place.nodes.map(({ host, port }) => ({ host, port })), {
    lazyConnect: true,
    enableOfflineQueue: false,
    redisOptions: { ...commonOptions, ...silence(answerMs), ...accessOf(place), Connector: ServerConnector },
    clusterRetryStrategy: untilRetryMs,
    // What waits for a node to be replaced waits longer than anybody does for a cache. 0: it fails at once.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 0,
    slotsRefreshTimeout: connectMs,
    // A name stays a name until it is connected to: certificates are for names.
    dnsLookup: (address, callback) => { callback(null, address); },
  } satisfies ClusterOptions);
}

function whereabouts(place: SingleRedis | SentinelRedis, once: boolean): Options {
  const { db } = place;
  return place.kind === 'single' ? { Connector: ServerConnector, ...place.server, db } : { Connector: sentinelConnector(place, { once }), db };
}
