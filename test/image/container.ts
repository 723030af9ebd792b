import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** `docker`, or whatever takes the same arguments. */
const engine = process.env['ENGINE'] ?? 'docker';
const image = process.env['IMAGE'] ?? 'tributary';

/** As narrow as a cluster would make it. The network is the machine's own, so that tests reach it and it reaches theirs. */
const confined = [
  '--network=host', '--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--memory=256m', '--memory-swap=256m', '--pids-limit=100',
  // podman makes /tmp and more writable even so, unless told not to.
  ...(engine.endsWith('podman') ? ['--read-only-tmpfs=false'] : []),
];

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command of the engine, whatever its exit code. */
async function ask(...args: string[]): Promise<Output> {
  try {
    return { code: 0, ...(await run(engine, args)) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
    // No number: the engine itself could not be started.
    if (typeof code !== 'number') throw error;
    return { code, stdout: stdout ?? '', stderr: stderr ?? '' };
  }
}

async function succeed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await ask(...args);
  if (code !== 0) throw new Error(`expected "${engine} ${args[0] ?? ''}" to succeed, but got ${code}: ${stderr}`);
  return stdout.trim();
}

export type Environment = Readonly<Record<string, string | number>>;

const options = (environment: Environment): string[] =>
  [...confined, ...Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`)];

/** Runs the image until it ends by itself. */
export const runToEnd = (environment: Environment): Promise<Output> => ask('run', '--rm', ...options(environment), image);

/** The image, running. `await using` removes it. */
export class Container implements AsyncDisposable {
  readonly #id: string;

  constructor(id: string) {
    this.#id = id;
  }

  /** A command inside of it. */
  exec(...command: string[]): Promise<Output> {
    return ask('exec', this.#id, ...command);
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    await succeed('kill', `--signal=${signal}`, this.#id);
  }

  /** Resolves with the exit code once it has ended. */
  async exited(): Promise<number> {
    return Number(await succeed('wait', this.#id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await succeed('rm', '--force', this.#id);
  }
}

export async function startContainer(environment: Environment): Promise<Container> {
  return new Container(await succeed('run', '--detach', ...options(environment), image));
}
