/**
 * What does a refusal cost? CPU of a request that is shed by the lane, beside the same bytes from a bare node:http server and
 * the smallest reply there is, in this process, asked by wrk. `node bench/shed.ts [SECONDS]`.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { Admission } from '../src/http/admission/admission.ts';
import { Edge } from '../src/http/edge.ts';
import { closeServer, portOf } from '../src/http/server.ts';
import { run } from './script.ts';
import { table } from './table.ts';

const exec = promisify(execFile);
const seconds = process.argv[2] ?? '3';
const rounds = 3;

const edge = new Edge({ log: pino({ level: 'silent' }), sampling: { ratio: 0, trustParent: false }, timeoutStatus: 504 });
// A ceiling of nothing: everything is shed.
const admission = new Admission(edge, { adaptive: true, inFlightMax: 0 });
const body = 'x'.repeat(180);
const headers = ['content-type', 'application/problem+json', 'content-length', String(body.length), 'cache-control', 'no-store', 'retry-after', '1', 'traceresponse', 'x'.repeat(55)];

const listeners: Readonly<Record<string, RequestListener>> = {
  shed: (request: IncomingMessage, response: ServerResponse) => { admission.sheds(request, response); },
  'bare, the same headers': (_, response) => { response.writeHead(503, headers).end(body, 'latin1'); },
  'bare, no headers': (_, response) => { response.writeHead(503).end(); },
};

/** Microseconds of this process's CPU for each request. */
async function cost(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const before = process.cpuUsage();
  const { stdout } = await exec('wrk', ['-t1', '-c50', `-d${seconds}s`, `http://127.0.0.1:${portOf(server)}/api/aggregated?user_id=1`]);
  const { user, system } = process.cpuUsage(before);
  await closeServer(server, 0);
  return (user + system) / Number(/(\d+) requests in/.exec(stdout)?.[1]);
}

await run(async () => {
  const costs = new Map<string, number[]>(Object.keys(listeners).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, listener] of Object.entries(listeners)) costs.get(name)!.push(await cost(listener));
  }
  console.log(table(['', 'µs of CPU a request'], [...costs].map(([name, all]) => [name, all.map((us) => us.toFixed(1)).join(', ')])));
});
