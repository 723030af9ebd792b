import { z } from 'zod';
import { Access, parse } from './viewer/log-entry.ts';

export type Tone = 'plain' | 'warning' | 'error';

export interface LogLine {
  readonly text: string;
  readonly tone: Tone;
}

const Line = z.looseObject({ level: z.union([z.number(), z.string()]).optional(), msg: z.string().optional() });

const BORING = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'name', 'v', 'trace_flags', 'span_id']);

/** A line of the gateway's log for the eye: access lines and pino's JSON compactly, everything else as it came. */
export function readable(line: string): LogLine {
  const { data } = Line.safeParse(parse(line));
  if (data === undefined) return { text: line, tone: 'plain' };
  const access = Access.safeParse(data);
  if (access.success) return { text: accessText(access.data), tone: access.data.status >= 500 ? 'error' : toneOf(data.level) };
  const fields = Object.entries(data).filter(([name]) => !BORING.has(name));
  const words = [data.msg ?? '', ...fields.map(([name, value]) => `${name}=${short(value)}`)];
  return { text: words.join(' ').trim(), tone: toneOf(data.level) };
}

function accessText({ status, method, route, duration_ms, trace_id, code, missing }: Access): string {
  const words = [String(status), method, route, `${duration_ms.toFixed(1)} ms`];
  if (trace_id !== undefined) words.push(`trace=${trace_id}`);
  if (code !== undefined) words.push(`code=${code}`);
  const absent = Object.entries(missing).map(([part, why]) => `${part} (${why})`);
  if (absent.length > 0) words.push(`missing=${absent.join(', ')}`);
  return words.join(' ');
}

function short(value: unknown): string {
  if (typeof value === 'string') return value;
  // An error as pino writes it; its stack keeps its line breaks, or nobody could read it.
  const { data: error } = z.object({ stack: z.string() }).safeParse(value);
  return error === undefined ? JSON.stringify(value) : `\n${error.stack}`;
}

function toneOf(level: number | string | undefined): Tone {
  if (level === 'error' || level === 'fatal' || Number(level) >= 50) return 'error';
  return level === 'warn' || Number(level) >= 40 ? 'warning' : 'plain';
}
