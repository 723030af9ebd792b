// A token for the demo: npm run -s demo:token -- --user 42 [--scope aggregates:read:any] [--role admin] [--ttl 1h]; --admin is --user ops --role admin
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { demoToken } from './dev/demo-token.ts';

const usage = 'expected --user 42 or --admin, and if need be --scope aggregates:read:any, --role admin, --ttl 1h (s, m, h or d)';

try {
  console.log(await demoToken(join(import.meta.dirname, '..'), readOptions(process.argv.slice(2))));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

function readOptions(args: readonly string[]) {
  try {
    const { values: { admin = false, user = admin ? 'ops' : '', ttl = '1h', scope = [], role = [] } } = parseArgs({
      args: [...args],
      options: { admin: { type: 'boolean' }, user: { type: 'string' }, ttl: { type: 'string' }, scope: { type: 'string', multiple: true }, role: { type: 'string', multiple: true } },
    });
    if (user === '' || !/^[1-9]\d{0,5}[smhd]$/.test(ttl)) throw new Error(`got ${JSON.stringify({ user, ttl })}`);
    return { user, ttl, scope, role: admin ? ['admin', ...role] : role };
  } catch (error) {
    throw new Error(`${usage}, but ${(error as Error).message}`, { cause: error });
  }
}
