import { join } from 'node:path';

export const bench = import.meta.dirname;
export const repo = join(bench, '..');
export const peers = join(bench, 'peers');
export const fixture = join(bench, 'fixture');
export const results = join(bench, 'results');
/** Everything that is built or logged; git ignores it. */
export const build = join(bench, '.build');
export const logs = join(build, 'logs');
