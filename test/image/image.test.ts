import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { untilOk } from '../../demo/dev/until-ok.ts';
import { freePort } from '../../demo/process/free-port.ts';
import { seed } from '../../demo/seed.ts';
import { json } from '../support/answers.ts';
import { request } from '../support/http-client.ts';
import { createDatabase, type Database } from '../support/postgres.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { type Container, type Environment, runToEnd, startContainer } from './container.ts';

let database: Database;
let recommender: Upstream;

beforeAll(async () => {
  database = await createDatabase();
  await seed(database.url);
  recommender = await startUpstream();
});

afterAll(async () => {
  await recommender.stop();
  await database.drop();
});

interface Gateway extends AsyncDisposable {
  readonly container: Container;
  readonly url: string;
  readonly admin: string;
}

/** The image against a real Postgres and a recommender that answers; resolves once it is ready. */
async function startGateway(environment: Environment = {}): Promise<Gateway> {
  recommender.answer(json(['tea']));
  const port = await freePort();
  const adminPort = await freePort(undefined, new Set([port]));
  const container = await startContainer({
    HOST: '127.0.0.1', PORT: port, ADMIN_PORT: adminPort, AUTH: 'none', DRAIN_DELAY_MS: 0,
    DATABASE_URL: database.url, RECOMMENDATIONS_URL: recommender.url, ...environment,
  });
  const admin = `http://127.0.0.1:${adminPort}`;
  await untilOk(`${admin}/readyz`, 20_000, new AbortController().signal);
  return { container, admin, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => container[Symbol.asyncDispose]() };
}

/** What is tried inside: who am I, what may I, where can I write. */
const confinement = `
  const fs = require('node:fs');
  const write = (path) => { try { fs.appendFileSync(path, 'x'); return 'written'; } catch { return 'refused'; } };
  const status = fs.readFileSync('/proc/1/status', 'utf8');
  const field = (name) => new RegExp(name + ':\\\\s*(\\\\S+)').exec(status)[1];
  console.log(JSON.stringify({
    command: fs.readFileSync('/proc/1/cmdline', 'utf8').split('\\0')[0],
    uid: field('Uid'), capabilities: field('CapEff'), noNewPrivileges: field('NoNewPrivs'),
    writes: ['/x', '/app/x', '/app/dist/main.js', '/app/compiled/x', '/etc/passwd', '/tmp/x'].map(write),
  }));`;

describe('the image, on a read-only root and without privileges', () => {
  test('answers a question with every part', async () => {
    await using gateway = await startGateway();
    const reply = await request(`${gateway.url}/api/aggregated?user_id=1`);
    expect(reply.status).toBe(200);
    expect(reply.json).toEqual({ user_data: expect.objectContaining({ id: 1 }), recommendations: ['tea'], analytics: expect.anything() });
  });

  test('answers probes on the admin port', async () => {
    await using gateway = await startGateway();
    for (const probe of ['livez', 'readyz', 'startupz']) {
      const reply = await request(`${gateway.admin}/${probe}`);
      expect([probe, reply.status, reply.text]).toEqual([probe, 200, 'ok']);
    }
  });

  test('is node as process 1, nobody in particular, and writes nowhere', async () => {
    await using gateway = await startGateway();
    const { stdout } = await gateway.container.exec('node', '-e', confinement);
    expect(JSON.parse(stdout)).toEqual({
      command: 'node', uid: '1000', capabilities: '0000000000000000', noNewPrivileges: '1', writes: Array(6).fill('refused'),
    });
  });

  test('holds no shell and no package manager', async () => {
    await using gateway = await startGateway();
    for (const program of ['sh', 'bash', 'npm', 'apt-get']) {
      const { code } = await gateway.container.exec(program, '--version');
      expect([program, code !== 0]).toEqual([program, true]);
    }
  });

  test('starts with the code that Node compiled when the image was built', async () => {
    const { stdout, stderr } = await runToEnd({ NODE_DEBUG_NATIVE: 'COMPILE_CACHE' });
    expect(stdout + stderr).toMatch(/code cache for ESM file:\/\/\/app\/dist\/main\.js was accepted/);
  });

  test('on SIGTERM completes what is under way, and ends with 0', async () => {
    await using gateway = await startGateway();
    const held = Promise.withResolvers<ServerResponse>();
    recommender.answer((_request, response) => { held.resolve(response); });
    const reply = request(`${gateway.url}/api/aggregated?user_id=2`);
    const response = await held.promise;
    await gateway.container.signal('SIGTERM');
    await expect.poll(async () => (await request(`${gateway.admin}/readyz`)).status).toBe(503);
    response.writeHead(200, { 'content-type': 'application/json' }).end('["coffee"]');
    expect((await reply).json).toMatchObject({ recommendations: ['coffee'] });
    expect((await reply).headers.connection).toBe('close');
    expect(await gateway.container.exited()).toBe(0);
  });

  test('ends with 78 when the configuration is not valid, and says why without secrets', async () => {
    const { code, stderr } = await runToEnd({ AUTH: 'none', PORT: 'eighty', DATABASE_URL: 'mysql://me:secret@db/shop' });
    expect(code).toBe(78);
    expect(stderr).toMatch(/^PORT: expected .*"eighty"$/m);
    expect(stderr).toMatch(/^DATABASE_URL: expected .*$/m);
    expect(stderr).toMatch(/^RECOMMENDATIONS_URL: expected .*$/m);
    expect(stderr).not.toContain('secret');
  });
});
