import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { Call } from '../core/call.ts';
import { untilOver } from '../core/until-over.ts';
import { createHttpClient } from './http.ts';

/** A set of keys (RFC 7517, §5): one that is of no use is left out by whoever uses them, and spoils none of the others. */
const JwkSet = z.object({ keys: z.array(z.looseObject({})) });
export type JwkSet = z.infer<typeof JwkSet>;

/** Where an issuer's keys come from. */
export interface KeySource {
  /** For log lines. */
  readonly name: string;
  /** How often it is worth a look. */
  readonly everyMs: number;
  /** The keys as they are now. Rejects with what went wrong, or the call's reason. */
  load(call: Call): Promise<JwkSet>;
  close(): Promise<void>;
}

/** Issuers publish a new key long before they use it: minutes are soon enough, and a token with an unknown key is a reason to look before. */
const urlEveryMs = 5 * 60_000;

/** A file is at hand, and nothing says that it has changed. */
const fileEveryMs = 10_000;

/** As for an answer over HTTP. */
const fileBytesMax = 1024 * 1024;

/** Keys that are published under a URL. Redirects are not followed, and more than 1 MiB is not read. */
export function keysAtUrl(url: string): KeySource {
  const { origin, pathname, searchParams } = new URL(url);
  // An issuer may be on another continent, where TCP and TLS take two round trips of 150 ms.
  const client = createHttpClient({ name: 'the key set', url: origin, connections: 1, connectMs: 800 });
  const query = Object.fromEntries([...new Set(searchParams.keys())].map((name) => [name, searchParams.getAll(name)]));
  return {
    name: `${origin}${pathname}`,
    everyMs: urlEveryMs,
    load: async (call) => (await client.get({ path: pathname as `/${string}`, query, answer: JwkSet }, call)).parse(),
    close: () => client.close(),
  };
}

/** Keys in a file. It is read again each time, since a few kilobytes cost less than to be wrong about whether it has changed. */
export function keysInFile(path: string): KeySource {
  const read = async (): Promise<JwkSet> => {
    const { size } = await stat(path);
    if (size > fileBytesMax) throw new Error(`expected at most ${fileBytesMax} bytes, but got ${size}`);
    return JwkSet.parse(JSON.parse(await readFile(path, 'utf8')));
  };
  return { name: path, everyMs: fileEveryMs, load: (call) => untilOver(read(), call), close: () => Promise.resolve() };
}
