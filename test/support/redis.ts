export { createRedisServer, RedisServer, redisServerPath, startRedis, type Settings } from './redis-server.ts';
export { failOver, type RedisGroup, replaced, startCluster, startSentinel } from './redis-groups.ts';
export { connectWire, eventually, RedisError, type RedisWire } from './redis-wire.ts';
