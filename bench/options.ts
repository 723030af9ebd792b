import { parseArgs } from 'node:util';
import { z } from 'zod';

const count = z.coerce.number().int().min(1);
const seconds = z.coerce.number().int().min(1).max(600);

const names = z.string().transform((text) => text.split(','));

const Options = z.object({
  workload: names,
  /** The rows that take part, of those that a workload has. */
  peers: names,
  rounds: count.max(50),
  duration: seconds,
  warmup: seconds,
  /** Instead of each workload's own. */
  connections: count.max(10_000).optional(),
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

export interface Known {
  readonly rows: readonly string[];
  readonly workloads: readonly string[];
  /** The workloads that are measured unless some are asked for. */
  readonly usual: readonly string[];
}

function refuseUnknown(option: string, given: readonly string[], known: readonly string[]): void {
  const unknown = given.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`--${option}: expected some of ${known.join(', ')}, but got ${unknown.join(', ')}`);
}

/** The command line of `npm run bench`; throws with the option's name when a value is none. */
export function parseOptions(args: readonly string[], known: Known): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      workload: { type: 'string', default: known.usual.join(',') },
      peers: { type: 'string', default: known.rows.join(',') },
      rounds: { type: 'string', default: '2' },
      duration: { type: 'string', default: '5' },
      // A service on Node costs up to twice as much in its first seconds, until V8 has compiled what is hot.
      warmup: { type: 'string', default: '8' },
      connections: { type: 'string' },
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
  refuseUnknown('workload', parsed.data.workload, known.workloads);
  refuseUnknown('peers', parsed.data.peers, known.rows);
  return parsed.data;
}
