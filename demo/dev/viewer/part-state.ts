import type { Span } from './otlp.ts';
import type { RequestSummary } from './traces.ts';

export type PartState = 'live' | 'cache' | 'stale' | 'missing';

/** The part that a span is for, if it is for one. */
export function partOf({ attributes }: Span): string | undefined {
  const part = attributes['tributary.part'];
  return typeof part === 'string' ? part : undefined;
}

/** What became of the part that a span is for; undefined for spans that are for none, and where nobody waited any more. */
export function partState(span: Span, request: RequestSummary | undefined): PartState | undefined {
  const part = partOf(span);
  if (part === undefined) return undefined;
  const { attributes, error } = span;
  if (error === undefined) {
    const served = attributes['tributary.served'];
    return served === 'live' || served === 'cache' || served === 'stale' ? served : undefined;
  }
  // A part of a nested aggregate is reported by its path.
  const named = (path: string) => path === part || path.endsWith(`.${part}`);
  // The load failed, and yet nothing is missing: what was kept of it was served instead.
  const mended = request !== undefined && request.status < 400 && !Object.keys(request.missing).some(named);
  return mended ? 'stale' : 'missing';
}
