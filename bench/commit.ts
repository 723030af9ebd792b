import { execFileSync } from 'node:child_process';
import { repo } from './paths.ts';

const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: repo, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

/** The short commit, or 'uncommitted' when what is measured is not what was committed. */
export function commit(): string {
  try {
    const changed = git('status', '--porcelain', '--', '.', ':!bench/results', ':!README.md');
    return changed === '' ? git('rev-parse', '--short', 'HEAD') : 'uncommitted';
  } catch {
    return 'uncommitted';
  }
}
