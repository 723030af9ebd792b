import { join } from 'node:path';

export const bench = import.meta.dirname;
export const repo = join(bench, '..');
export const peers = join(bench, 'peers');
export const fixture = join(bench, 'fixture');
export const results = join(bench, 'results');
/** Everything that is built or logged; git ignores it. */
export const build = join(bench, '.build');
export const logs = join(build, 'logs');
/** The headers of a cached answer of Tributary's, for bare.ts to send. */
export const headersFile = join(build, 'headers.json');
