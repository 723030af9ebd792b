import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../../demo/process/free-port.ts';
import { leash } from '../../demo/process/leash.ts';
import { onPath } from '../../demo/process/on-path.ts';
import { bounded } from './until.ts';

const run = promisify(execFile);

/**
 * ClickHouse as a library, from npm: what chdb runs in its own process, 570 MB. There is no package of the server itself in a
 * registry; its `clickhouse-local`, which is in the library, listens when it is told to, and is the same engine and the same HTTP interface.
 */
const version = '26.7.3-stable.1';
const packages: Readonly<Record<string, string>> = {
  'linux x64': '@chdb/lib-linux-x64-gnu', 'linux arm64': '@chdb/lib-linux-arm64-gnu', 'darwin x64': '@chdb/lib-darwin-x64', 'darwin arm64': '@chdb/lib-darwin-arm64',
};

/** From a registry that is near: twenty seconds. */
const installMs = 240_000;
/** For a hook that may have to install it. */
export const clickHouseMs = installMs + 60_000;

export interface ClickHouseServer extends AsyncDisposable {
  /** clickhouse://… */
  readonly url: string;
  /** Runs a statement; its rows as text. Throws what the server says. */
  query(statement: string): Promise<string>;
}

const home = fileURLToPath(new URL(`../../node_modules/.cache/clickhouse-${version}`, import.meta.url));

/** Loads the library and runs it with what follows as its command line. */
const host = `import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.chdb_query_cmdline.restype = ctypes.c_void_p
library.chdb_result_error.restype = ctypes.c_char_p
library.chdb_result_error.argtypes = [ctypes.c_void_p]
arguments = [b"clickhouse"] + [argument.encode() for argument in sys.argv[2:]]
result = library.chdb_query_cmdline(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments))
error = library.chdb_result_error(result)
if error: sys.exit(error.decode())
`;

/** Its own query runs as `default`. */
const users = `<clickhouse>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
<app><password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></app></users>
<profiles><default/></profiles><quotas><default/></quotas></clickhouse>`;

/** A real ClickHouse for one test file; or the reason why there is none. `await using` stops it. */
export async function startClickHouse(): Promise<ClickHouseServer | { readonly missing: string }> {
  const python = onPath('python3');
  if (python === undefined) return { missing: 'there is no python3 on the PATH, which loads ClickHouse as a library' };
  const name = packages[`${process.platform} ${process.arch}`];
  if (name === undefined) return { missing: `there is no library of ClickHouse for ${process.platform} ${process.arch}` };
  const library = join(home, 'node_modules', name, 'libchdb.so');
  if (!existsSync(library)) {
    try {
      await install(`${name}@${version}`);
    } catch (error) {
      return { missing: `ClickHouse could not be installed: ${(error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? String(error)}` };
    }
  }
  return start(python, library);
}

/** All at once, so that nobody ever loads half of it; of two files that install it at the same time the first one wins. */
async function install(what: string): Promise<void> {
  await mkdir(dirname(home), { recursive: true });
  const own = await mkdtemp(`${home}-`);
  try {
    await run('npm', ['install', '--prefix', own, '--ignore-scripts', '--no-audit', '--no-fund', what], { timeout: installMs });
    await rename(own, home);
  } catch (error) {
    if (!existsSync(home)) throw error;
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

async function start(python: string, library: string): Promise<ClickHouseServer> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-clickhouse-'));
  const port = await freePort();
  await writeFile(join(folder, 'users.xml'), users);
  await writeFile(join(folder, 'config.xml'), `<clickhouse><user_directories><users_xml><path>${folder}/users.xml</path></users_xml></user_directories></clickhouse>`);
  await writeFile(join(folder, 'host.py'), host);
  // It listens for as long as its own query runs: a day.
  const child = spawn(python, [
    join(folder, 'host.py'), library, `--config-file=${folder}/config.xml`, `--path=${folder}/data`, `--http_port=${port}`, '--listen_host=127.0.0.1',
    '--query=system start listen http; select sleepEachRow(1) from numbers(86400) settings function_sleep_max_microseconds_per_block = 2000000, max_block_size = 1 format Null',
  ], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-4_000); });
  const { pid = 0 } = child;
  const held = leash(pid, 'TERM', folder);
  const ended = once(child, 'exit');
  const asked = async (statement: string): Promise<string> => {
    const reply = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: statement, headers: { 'x-clickhouse-user': 'app', 'x-clickhouse-key': 'secret' } });
    const text = await reply.text();
    if (!reply.ok) throw new Error(text);
    return text.trim();
  };
  await bounded(untilItListens(asked, () => child.exitCode !== null, () => said), () => 'expected ClickHouse to listen', 60_000);
  return {
    url: `clickhouse://app:secret@127.0.0.1:${port}`,
    query: asked,
    async [Symbol.asyncDispose]() {
      // It has nothing to keep, and would wait for its query.
      child.kill('SIGKILL');
      await ended;
      held.release();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** It tells nobody when it listens. */
async function untilItListens(asked: (statement: string) => Promise<string>, isOver: () => boolean, said: () => string): Promise<void> {
  for (;;) {
    if (isOver()) throw new Error(`expected ClickHouse to run, but it ended:\n${said()}`);
    try {
      await asked('select 1');
      return;
    } catch {
      await new Promise<void>((resolve) => { setTimeout(resolve, 20); });
    }
  }
}
