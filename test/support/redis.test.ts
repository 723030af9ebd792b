import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandOf } from '../../demo/process/command-of.ts';
import { connectWire, eventually, RedisError, startCluster, startRedis } from './redis.ts';

test('a Redis answers, says errors as errors, and leaves nothing when it is stopped', async () => {
  const redis = await startRedis({ maxmemory: '64mb' });
  expect(await redis.send('SET', 'key', 'Żółć\r\n')).toBe('OK');
  expect(await redis.send('GET', 'key')).toBe('Żółć\r\n');
  expect(await redis.send('GET', 'none')).toBeNull();
  expect(await redis.send('MGET', 'none', 'key')).toEqual([null, 'Żółć\r\n']);
  expect(await redis.send('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', String(64 * 1024 * 1024)]);
  await expect(redis.send('INCR', 'key')).rejects.toThrow(new RedisError('ERR value is not an integer or out of range'));
  expect((await redis.commandCounts()).get('get')).toBe(2);
  const { pid, dir } = redis;
  expect(commandOf(pid)).toContain('redis-server');
  await redis[Symbol.asyncDispose]();
  expect(commandOf(pid)).toBeUndefined();
  expect(existsSync(dir)).toBe(false);
});

test('frozen it says nothing, thawed it answers, killed it hangs up and has forgotten all', async () => {
  await using redis = await startRedis();
  using wire = await connectWire(redis.port);
  expect(await wire.send('SET', 'key', 'text')).toBe('OK');
  redis.freeze();
  let answered = false;
  const pong = wire.send('PING').finally(() => { answered = true; });
  // A second connection is accepted by the kernel all the same, and a turn there and back takes longer than an answer would.
  using second = await connectWire(redis.port);
  void second;
  expect(answered).toBe(false);
  redis.thaw();
  expect(await pong).toBe('PONG');
  const before = redis.pid;
  await redis.kill();
  await expect(wire.send('PING')).rejects.toThrow('Redis hung up');
  await redis.start();
  expect(redis.pid).not.toBe(before);
  expect(await redis.send('GET', 'key')).toBeNull();
});

test('a Redis that does not start says why', async () => {
  await expect(startRedis({ nonsense: 'yes' })).rejects.toThrow(/expected the Redis to run, but it ended/);
});

test('a cluster answers for every slot', async () => {
  await using cluster = await startCluster();
  const [first] = cluster.servers;
  expect(String(await first?.send('CLUSTER', 'INFO'))).toContain('cluster_slots_ok:16384');
});

test('what a killed runner has started ends with it', async () => {
  const script = `import { startRedis } from ${JSON.stringify(join(import.meta.dirname, 'redis.ts'))}; const { pid, dir } = await startRedis(); console.log(JSON.stringify({ pid, dir })); setInterval(() => {}, 1e6);`;
  const runner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = Promise.withResolvers<string>();
  runner.stdout.setEncoding('utf8').once('data', said.resolve);
  const { pid, dir } = JSON.parse(await said.promise) as { readonly pid: number; readonly dir: string };
  expect(commandOf(pid)).toContain('redis-server');
  runner.kill('SIGKILL');
  await eventually(async () => {
    await new Promise<void>((resolve) => { setImmediate(resolve); });
    return commandOf(pid) === undefined && !existsSync(dir);
  }, () => 'expected the Redis to end with its runner', 15_000);
});
