import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

/** kubectl, running until `end` gives it the end of its standard input; rejects with what it complained of. */
export function start(...args: string[]): { end(input?: string): Promise<Said> } {
  const child = spawn('kubectl', args);
  const printed = Promise.all([text(child.stdout), text(child.stderr)]);
  const ended = new Promise<number | null>((resolve, reject) => { child.once('error', reject).once('close', resolve); });
  // Nobody listens before `end`. What cannot be written any more is told by the exit code.
  ended.catch(() => undefined);
  child.stdin.on('error', () => undefined);
  return {
    async end(input = '') {
      child.stdin.end(input);
      const code = await ended;
      const [stdout, stderr] = await printed;
      if (code !== 0) throw new Error(`expected "kubectl ${args.join(' ').slice(0, 200)}" to succeed, but got ${code}: ${stderr}`);
      return { stdout: stdout.trim(), stderr };
    },
  };
}

/** What it printed. */
export const kubectl = async (...args: string[]): Promise<string> => (await start(...args).end()).stdout;
