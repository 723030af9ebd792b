import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { request } from '../support/http-client.ts';
import type { Database } from '../support/postgres.ts';
import { startRedis } from '../support/redis.ts';
import { closedPort, startUpstream, type Upstream } from '../support/upstream.ts';
import { seedDatabase } from './gateway.ts';
import { runService, startService } from './service.ts';

let database: Database;
let upstream: Upstream;
let environment: Record<string, string>;

beforeAll(async () => {
  database = await seedDatabase();
  upstream = await startUpstream();
  environment = { DATABASE_URL: database.url, RECOMMENDATIONS_URL: upstream.url };
});
afterAll(async () => {
  await upstream.stop();
  await database.drop();
});

// Each starts a process, which takes most of its time: they start together.
describe.concurrent('the process', () => {
  test('does not start with a configuration that is not valid, and names everything that is wrong with it', async () => {
    const { code, stdout, stderr } = await runService({ PORT: 'eighty', ADMIN_PORT: '70000', POOL_SIZE: '0', DATABASE_URL: 'mysql://u:secret@db/x', TIMEOUT_STATUS: '500', LOG_LEVEL: 'loud' });
    expect([code, stdout]).toEqual([78, '']);
    const lines = stderr.trim().split('\n');
    expect(lines.shift()).toBe('The configuration is not valid:');
    expect(new Set(lines.map((line) => line.split(':')[0]))).toEqual(new Set(['PORT', 'ADMIN_PORT', 'POOL_SIZE', 'DATABASE_URL', 'RECOMMENDATIONS_URL', 'TIMEOUT_STATUS', 'LOG_LEVEL']));
    expect(lines).toHaveLength(7);
    for (const line of lines) expect(line).toMatch(/^[A-Z_]+: expected .+, but got .+$/);
    expect(stderr).not.toContain('secret');
  });

  test('what a library has to say to the console is a line of the log: Redis does not let it ask whether it is ready', async () => {
    await using redis = await startRedis({ user: 'app on >secret ~* &* +@all -info' });
    const url = redis.url.replace('//', '//app:secret@');
    await using service = await startService({ ...environment, CACHE: 'redis', REDIS_URL: url });
    const [line] = await service.lines(({ msg }) => String(msg).startsWith('Skipping the ready check'), 1);
    expect([line!['level'], service.stderr]).toEqual([40, '']);
  });

  test('prints its configuration without secrets, and does nothing else', async () => {
    const { code, stdout, stderr } = await runService({
      ...environment,
      DATABASE_URL: 'postgres://tributary:secret@db.internal/users?sslkey=secret',
      ANALYTICS_URL: 'postgres://tributary:secret@db.internal/analytics',
      RECOMMENDATIONS_URL: 'https://gateway:secret@recommender.internal/v1',
    }, '--print-config');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toContain('secret');
    expect(JSON.parse(stdout)).toMatchObject({
      host: '127.0.0.1', port: 0, timeoutStatus: 504, poolSize: 20,
      databaseUrl: 'postgres://tributary:***@db.internal/users?sslkey=***',
      recommendationsUrl: ['https://gateway:***@recommender.internal/v1'],
    });
  });

  test.for(['PORT', 'ADMIN_PORT'])('ends with a clear line if %s is taken', async (name) => {
    const server = createServer();
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const { port } = server.address() as AddressInfo;
    const { code, stdout } = await runService({ ...environment, [name]: String(port) });
    await new Promise((resolve) => { server.close(resolve); });
    expect(code).toBe(1);
    expect(stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: 60, msg: 'could not listen', err: { code: 'EADDRINUSE', port } },
    ]);
  });

  test('starts and is ready while everything that it asks is down, and says so to people', async () => {
    const nobody = `127.0.0.1:${await closedPort()}`;
    await using service = await startService({ DATABASE_URL: `postgres://u:secret@${nobody}/db`, RECOMMENDATIONS_URL: `http://${nobody}` });
    for (const path of ['/livez', '/readyz', '/startupz']) {
      const [brief, verbose] = [await service.probe(path), await service.probe(`${path}?verbose`)];
      expect([brief.status, brief.text, verbose.status]).toEqual([200, 'ok', 200]);
      expect(verbose.text).toMatch(/^\[-\] postgres degraded: the user database could not be reached$/m);
      expect(verbose.text).toMatch(/^\[-\] analytics degraded: the analytics store could not be reached$/m);
      expect(verbose.text).toMatch(/^\[-\] recommender degraded: the connection to the recommendations service failed$/m);
      expect(verbose.text).toMatch(new RegExp(`^${path.slice(1)} check passed$`, 'm'));
    }
    expect((await service.ask(1)).status).toBe(502);
    expect(service.over).toBe(false);
  });

  test('says of everything that answers that it is well, at a port for probes alone, and warns that everybody may ask', async () => {
    await using service = await startService(environment);
    await service.ask(1);
    expect((await service.probe('/readyz?verbose')).text).toBe([
      '[+] listening ok', '[+] not draining ok', '[+] not shedding ok', '[+] postgres ok', '[+] analytics ok', '[+] recommender ok', 'readyz check passed', '',
    ].join('\n'));
    // Probes have a port of their own, and nothing else is there.
    expect((await service.probe('/api/aggregated?user_id=1')).status).toBe(404);
    expect((await request(`${service.url}/readyz`)).status).toBe(404);
    expect(await service.logged('AUTH=none: everybody who reaches this port may read everything')).toMatchObject({ level: 40 });
  });

  test('logs only what it is told to', async () => {
    const { stdout } = await runService({ ...environment, LOG_LEVEL: 'fatal', PORT: '1', HOST: '203.0.113.1' });
    expect(stdout.trim().split('\n')).toHaveLength(1);
  });

  test('complains if traces have somewhere to go and no SDK was loaded', async () => {
    await using service = await startService({ ...environment, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await closedPort()}` }, []);
    expect((await service.logged('OTEL_EXPORTER_OTLP_ENDPOINT is set, but no span is recorded: was the process started with --import otel/start?'))).toMatchObject({ level: 50 });
  });
});
