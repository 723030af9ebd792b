import { inSpan } from '../core/in-span.ts';
import type { Policy } from '../core/source.ts';

/** A span for each ask of a source, in requests that are sampled; nothing at all in the others. */
export const traced = (name: string): Policy => (next) => (input, call) =>
  inSpan(name, call, (own) => next(input, own));
