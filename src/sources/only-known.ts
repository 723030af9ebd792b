import type { z } from 'zod';
import { quoted } from '../core/told.ts';

/** For a strict object: which members it may have, and one that it has all the same. `what` is what they are called: fields, parameters. */
export const onlyKnown = (what: string, names: readonly string[]): z.core.$ZodObjectParams => ({
  error: (issue) => (issue.code === 'unrecognized_keys' ? `expected no ${what} but ${names.join(', ')}, and not ${quoted(issue.keys[0] ?? '')}` : 'expected an object'),
});
