// What `npm run dev` runs as the gateway: the service as src/main.ts starts it, and /_dev leads to the development page.
import { ConfigError, readConfig } from '../../src/config.ts';
import type { Lane } from '../../src/http/server.ts';
import { serve } from '../../src/process/service.ts';
import { supervise } from '../../src/process/supervisor.ts';
import { supervises } from '../../src/process/workers.ts';

/** 307 and not 301: no browser may remember it, since the page's port is another one tomorrow. */
const toThePage = (page: string): Lane => (request, response) => {
  if (request.url !== '/_dev' && request.url !== '/_dev/') return false;
  response.writeHead(307, { location: page, 'cache-control': 'no-store' }).end();
  return true;
};

const { DEV_PAGE: page } = process.env;

if (supervises()) {
  supervise();
} else {
  try {
    await serve(readConfig(process.env), ...(page === undefined ? [] : [toThePage(page)]));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`The configuration is not valid:\n${error.message}`);
    process.exit(78);
  }
}
