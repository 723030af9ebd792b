import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import type { Fixture } from './fixture/fixture.ts';
import { headersFile } from './paths.ts';
import { path, type Service, startService } from './services.ts';

/** Node writes these by itself, or they belong to a connection or a body. */
const own = ['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding'];

/** Has the bare server send what Tributary sends: asks for a user twice and keeps the headers of the second, cached answer. */
export async function learnHeaders(service: Service, fixture: Fixture): Promise<void> {
  const running = await startService(service, fixture);
  try {
    let headers: string[] = [];
    for (let time = 1; time <= 2; time++) {
      const [response] = (await once(http.get({ host: '127.0.0.1', port: running.port, path: `${path}42`, agent: false }), 'response')) as [IncomingMessage];
      response.resume();
      await once(response, 'end');
      headers = response.rawHeaders;
    }
    writeFileSync(headersFile, JSON.stringify(headers.filter((_, at) => !own.includes((headers[at - (at % 2)] ?? '').toLowerCase()))));
  } finally {
    await running.stop();
  }
}
