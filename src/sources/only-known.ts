import type { z } from 'zod';

/** For a strict object: which members it may have, and one that it has all the same. `what` is what they are called: fields, parameters. */
export const onlyKnown = (what: string, names: readonly string[]): z.core.$ZodObjectParams => ({
  error: (issue) => (issue.code === 'unrecognized_keys' ? `expected no ${what} but ${names.join(', ')}, and not ${shortened(issue.keys[0] ?? '')}` : 'expected an object'),
});

/** A name may be as long as a body. */
const shortened = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
