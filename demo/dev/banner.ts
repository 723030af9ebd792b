import { styleText } from 'node:util';
import type { Settings } from './settings.ts';

export interface Urls {
  /** Of the page with the traces. */
  readonly page: string;
  readonly gateway: string;
  readonly admin: string;
  readonly recommender: string;
  readonly sentiment: string;
  readonly postgres: string;
  readonly redis: string | undefined;
}

const bold = (text: string) => styleText('bold', text);
const dim = (text: string) => styleText('dim', text);

/** What is where, and what is worth trying. */
export function banner({ page, gateway, admin, recommender, sentiment, postgres, redis }: Urls, auth: Settings['AUTH']): string {
  const as = (user: number) => (auth === 'jwt' ? `-H "authorization: Bearer $(npm run -s demo:token -- --user ${user})" ` : '');
  const ask = (user: number, by = user) => `${as(by)}'${gateway}/api/aggregated?user_id=${user}'`;
  const live = (user: number) => `${as(user)}'${gateway}/api/aggregated/live?user_id=${user}'`;
  return `
${bold('Tributary is up.')} Ctrl-C ends everything.

  ${bold('page')}          ${bold(page)}
  live          ${page.replace('/_dev', '/live')}
  gateway       ${gateway}
  API           ${gateway}/docs
  admin         ${admin}/readyz
  recommender   ${recommender}/health
  sentiment     ${sentiment}/health
  Postgres      ${postgres}
  Redis         ${redis ?? 'none: answers are kept in memory'}

${bold('Worth trying')}

  ${dim('# one question, three systems, one answer')}
  curl -s ${ask(42)}

  ${dim('# asked again it comes from the cache and says so; a row that anybody changes is seen at once')}
  curl -si ${ask(42)} | grep -iE '^(age|cache)'
  npm run -s demo:rename -- '${postgres}' 42 'Ada Lovelace'; \\
  curl -si ${ask(42)} | grep -iE '^cache|Lovelace'

  ${dim('# the same, each part as it lands')}
  curl -sN -H 'Accept: text/event-stream' ${ask(42)}

  ${dim('# stays open and tells what changes: rename somebody meanwhile, as above')}
  curl -sN ${live(42)}

  ${dim('# the recommender takes 3 s: the rest still comes in time, and the answer says what is missing')}
  curl -so /dev/null -X POST '${recommender}/_control?delay_ms=3000'; \\
  curl -s ${ask(7)}; echo; \\
  curl -so /dev/null -X POST '${recommender}/_control'

  ${dim('# a model in its own process: what does it make of a review?')}
  curl -s ${auth === 'jwt' ? '-H "authorization: Bearer $(npm run -s demo:token -- --user 42)" ' : ''}--json '{"text": "So comfortable, I love it."}' '${gateway}/analyze-sentiment'
${products(gateway)}${auth === 'jwt' ? tokens(gateway, ask) : ''}`;
}

/** What is worth trying of the products. */
function products(gateway: string): string {
  return `
  ${dim('# products: anybody reads, an admin changes')}
  curl -si '${gateway}/api/v1/products?category=kitchen&max_price=20&limit=3'
  curl -si '${gateway}/api/v1/products' -H "authorization: Bearer $(npm run -s demo:token -- --admin)" -H 'content-type: application/json' \\
    -d '{"name":"Moka Pot","price":24.90,"stock":7,"category":"kitchen"}'
`;
}

/** What `npm run dev -- --fault` says: what is wrong, and not why. */
export function riddle({ page, gateway }: Urls): string {
  return `
${bold('Tributary is up, and one request in a thousand is slow.')} Why? Ctrl-C ends everything.

  ${bold('page')}          ${bold(page)}
  gateway       ${gateway}

  A hundred requests a second are on their way: the first slow one comes within ten seconds or so.
  docs/development.md says what to click.
`;
}

/** What is worth trying where a token is needed. */
function tokens(gateway: string, ask: (user: number, by?: number) => string): string {
  const operator = '-H "authorization: Bearer $(npm run -s demo:token -- --user ops --role admin)"';
  return `
  ${dim('# without a token, and with that of somebody else')}
  curl -si '${gateway}/api/aggregated?user_id=42' | grep -iE '^(HTTP|www)'
  curl -si ${ask(42, 7)} | grep -iE '^(HTTP|www)'

  ${dim('# operators read any')}
  curl -s ${operator} '${gateway}/api/aggregated?user_id=42'
`;
}
