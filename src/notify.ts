import { parseArgs } from 'node:util';
import { tellsOfChanges } from './clients/analytics.ts';
import { type NotifyAction, notifyScript, runNotifyInstallation } from './clients/notify-install.ts';
import { channel, type KeyColumn, parseKeyColumn } from './clients/notify-sql.ts';
import { ConfigError, readConfig } from './config.ts';
import { reasonOf } from './core/told.ts';

/** EX_CONFIG of sysexits.h: trying again will not help. */
const badConfiguration = 78;

const usage = 'npm run db:notify -- [--tables users.id,analytics.user_id,products.id] [--uninstall] [--print]';

interface Target {
  /** The variable that names the database. */
  readonly variable: string;
  readonly url: string;
  readonly tables: readonly KeyColumn[];
}

interface Order {
  readonly action: NotifyAction;
  readonly print: boolean;
  readonly targets: readonly Target[];
}

const order = ordered();
if (order?.print) print(order);
else if (order) await run(order);

/** What is to be done, or undefined if it cannot be told: that has been said by then. */
function ordered(): Order | undefined {
  try {
    const { values } = parseArgs({
      options: {
        tables: { type: 'string', default: 'users.id,analytics.user_id,products.id' },
        uninstall: { type: 'boolean', default: false },
        print: { type: 'boolean', default: false },
      },
    });
    const tables = values.tables.split(',').map((text) => parseKeyColumn(text.trim()));
    return { action: values.uninstall ? 'uninstall' : 'install', print: values.print, targets: targetsOf(tables, values.print) };
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof ConfigError)) throw error;
    complain(error instanceof ConfigError ? error.message : `${error.message}\nusage: ${usage}`);
    process.exitCode = badConfiguration;
    return undefined;
  }
}

/** A table called analytics, in whatever schema, is looked for where the gateway reads it: at ANALYTICS_URL. */
function isAnalytics({ table }: KeyColumn): boolean {
  return table.split('.').at(-1) === 'analytics';
}

function targetsOf(tables: readonly KeyColumn[], print: boolean): readonly Target[] {
  const { databaseUrl, analyticsUrl } = readConfig({
    // Nobody connects in order to print, and recommendations have no part in this.
    DATABASE_URL: process.env['DATABASE_URL'] || (print ? 'postgres://nowhere' : undefined),
    ANALYTICS_URL: process.env['ANALYTICS_URL'],
    RECOMMENDATIONS_URL: 'http://nowhere',
  });
  if (databaseUrl === analyticsUrl) return [{ variable: 'DATABASE_URL', url: databaseUrl, tables }];
  return [
    { variable: 'DATABASE_URL', url: databaseUrl, tables: tables.filter((table) => !isAnalytics(table)) },
    { variable: 'ANALYTICS_URL', url: analyticsUrl, tables: tellsOfChanges(analyticsUrl) ? tables.filter(isAnalytics) : [] },
  ].filter(({ tables }) => tables.length > 0);
}

function print({ action, targets }: Order): void {
  // Whoever has read enough closes the pipe, as `head` does.
  process.stdout.on('error', () => { process.exit(); });
  for (const { variable, tables } of targets) {
    for (const table of tables) say(`-- ${action} ${table.table}.${table.column} in the database of ${variable}\n${notifyScript(table, action)}`);
  }
}

async function run({ action, targets }: Order): Promise<void> {
  for (const { variable, url, tables } of targets) {
    try {
      await runNotifyInstallation({ url, tables, action, onTable: (table, error) => { report(table, action, variable, error); } });
    } catch (error) {
      complain(`${variable}: expected a database that answers, but got: ${reasonOf(error)}`);
      process.exitCode = 1;
    }
  }
}

function report({ table, column }: KeyColumn, action: NotifyAction, variable: string, error: Error | undefined): void {
  const about = `${table} (${variable})`;
  if (error) {
    complain(`${about}: nothing was changed: ${reasonOf(error)}`);
    process.exitCode = 1;
  } else if (action === 'install') {
    say(`${about}: changes are told on ${channel}, by ${column}`);
  } else {
    say(`${about}: changes are not told any more`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}
