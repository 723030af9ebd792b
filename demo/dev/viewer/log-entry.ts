import { z } from 'zod';

/** A line of the gateway's log that belongs to a trace. */
export interface LogEntry {
  readonly traceId: string;
  readonly spanId: string | undefined;
  /** Since the epoch. */
  readonly atMs: number;
  readonly level: string;
  readonly msg: string;
  /** Everything else the line says. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What it says of a request; undefined in lines that are not its access line. */
  readonly access: Access | undefined;
}

export type Access = z.infer<typeof Access>;

const levels: Readonly<Record<number, string>> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

const Line = z.looseObject({
  trace_id: z.string().regex(/^[0-9a-f]{32}$/),
  span_id: z.string().optional(),
  time: z.union([z.string(), z.number()]).optional(),
  level: z.union([z.number(), z.string()]).optional(),
  msg: z.string().default(''),
});

/** The fields of an access line. */
export const Access = z.looseObject({
  method: z.string(),
  route: z.string(),
  status: z.number(),
  duration_ms: z.number(),
  trace_id: z.string().optional(),
  /** Why the whole answer failed. */
  code: z.string().optional(),
  /** The parts that are not there, each with its code. */
  missing: z.record(z.string(), z.string()).default({}),
});

/** The stack of an error that a driver made fills pages; a line beyond this is not kept. */
const lineMax = 16_384;

/** A line as it came from the gateway, if it is pino's and names a trace; `now` is when it came, for lines without a time. */
export function logEntry(line: string, now: number): LogEntry | undefined {
  if (line.length > lineMax || !line.startsWith('{')) return undefined;
  const { data } = Line.safeParse(parse(line));
  if (!data) return undefined;
  const { trace_id, span_id, time, level, msg, pid: _pid, hostname: _hostname, trace_flags: _flags, ...fields } = data;
  const at = typeof time === 'string' ? Date.parse(time) : time;
  return {
    traceId: trace_id, spanId: span_id, msg, fields,
    atMs: at === undefined || Number.isNaN(at) ? now : at,
    level: typeof level === 'number' ? (levels[level] ?? String(level)) : (level ?? 'info'),
    access: Access.safeParse(fields).data,
  };
}

/** What the text says if it is JSON; undefined if not. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
