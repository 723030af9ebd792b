import { Failure } from '../core/failure.ts';
import type { Policy } from '../core/source.ts';

/** One for all: in a brownout it is what most parts fail with, and nobody reads its stack. */
export const leftOut = new Failure('overloaded', 'left out, so that everybody can be answered');

/** In a brownout nothing is asked for parts that an answer can be without. Where a cache keeps answers, it does this itself. */
export const spared: Policy = (next) => (input, call) => (call.spare ? Promise.reject(leftOut) : next(input, call));
