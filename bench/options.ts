import { parseArgs } from 'node:util';
import { z } from 'zod';

const count = z.coerce.number().int().min(1);
const seconds = z.coerce.number().int().min(1).max(600);

const Options = z.object({
  /** The rows, in the order of the first round. */
  peers: z.string().transform((names) => names.split(',')),
  rounds: count.max(50),
  duration: seconds,
  warmup: seconds,
  connections: count.max(10_000),
  'no-pin': z.boolean(),
  /** Seconds to wait at most, before each window, for others on the machine to rest. */
  quiet: z.coerce.number().min(0).max(600),
  /** Windows measured again because others used more than `noise` per cent of the machine; the quietest counts. */
  retries: z.coerce.number().int().min(0).max(10),
  noise: z.coerce.number().min(0).max(100),
  out: z.string().optional(),
  'write-readme': z.boolean(),
});
export type Options = z.infer<typeof Options>;

/** The command line of `npm run bench`; throws with the option's name when a value is none. */
export function parseOptions(args: readonly string[], every: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      peers: { type: 'string', default: every.join(',') },
      rounds: { type: 'string', default: '2' },
      duration: { type: 'string', default: '8' },
      warmup: { type: 'string', default: '3' },
      connections: { type: 'string', default: '50' },
      'no-pin': { type: 'boolean', default: false },
      quiet: { type: 'string', default: '10' },
      retries: { type: 'string', default: '1' },
      noise: { type: 'string', default: '4' },
      out: { type: 'string' },
      'write-readme': { type: 'boolean', default: false },
    },
  });
  const parsed = Options.safeParse(values);
  if (!parsed.success) throw new Error(parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`).join('\n'));
  const unknown = parsed.data.peers.filter((name) => !every.includes(name));
  if (unknown.length > 0) throw new Error(`--peers: expected some of ${every.join(', ')}, but got ${unknown.join(', ')}`);
  return parsed.data;
}
