import { fileURLToPath } from 'node:url';
import { migrate } from './clients/migrations.ts';
import { ConfigError, readConfig } from './config.ts';
import { reasonOf } from './core/told.ts';

/** EX_CONFIG of sysexits.h: trying again will not help. */
const badConfiguration = 78;

try {
  // Beside this file, in the sources as in the bundle.
  const folder = fileURLToPath(new URL('./migrations', import.meta.url));
  const { databaseUrl } = readConfig({ DATABASE_URL: process.env['DATABASE_URL'], RECOMMENDATIONS_URL: 'http://nowhere' });
  const done = await migrate({ url: databaseUrl, folder });
  process.stdout.write(done.length > 0 ? done.map((name) => `migrated: ${name}\n`).join('') : 'nothing to migrate\n');
} catch (error) {
  const configuration = error instanceof ConfigError;
  process.stderr.write(`${configuration ? error.message : `expected the database of DATABASE_URL to take the migrations, but got: ${reasonOf(error)}`}\n`);
  process.exitCode = configuration ? badConfiguration : 1;
}
