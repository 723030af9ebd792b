import { isIP } from 'node:net';
import { z } from 'zod';
import { parseAnalyticsUrl } from '../clients/analytics.ts';
import type { Rate } from '../clients/rate-windows.ts';
import { parsePostgresUrl } from '../clients/postgres-url.ts';
import { parseRedisUrl } from '../clients/redis-url.ts';
import { toMs, type Duration } from '../core/duration.ts';

/** The forms that variables have. Each says what it expects, in words that follow "expected". */

export const whole = (least: number, most: number) =>
  z.string().regex(/^\d{1,9}$/, `a whole number from ${least} to ${most}`).transform(Number)
    .refine((value) => value >= least && value <= most, `a whole number from ${least} to ${most}`);

export const port = whole(0, 65_535);

export function oneOf<const T extends string>(...values: T[]) {
  return z.enum(values, { error: `one of ${values.join(', ')}` });
}

export function url(...schemes: string[]) {
  const expected = `a URL that starts with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`;
  return z.string({ error: expected })
    .refine((text) => URL.canParse(text) && schemes.some((scheme) => text.startsWith(`${scheme}//`)), { error: expected, abort: true })
    .refine(isUnambiguous, unambiguous);
}

const unambiguous = { error: 'a URL in which every /, ?, # and @ of user, password and path is percent-encoded', abort: true };

/** One or several between commas, each of the given form; so a comma in one of them has to be percent-encoded. */
export const urls = (form: z.ZodType<string>) =>
  z.unknown().transform((text, context): readonly string[] => {
    const items = typeof text === 'string' ? text.split(',').map((item) => item.trim()) : [text];
    for (const item of items) {
      const { error } = form.safeParse(item);
      if (!error) continue;
      context.addIssue(error.issues[0]!.message);
      return z.NEVER;
    }
    return items as string[];
  });

/** An unencoded / in a password ends the host early, and the rest of the password is taken for a path. */
export const isUnambiguous = (text: string): boolean => !/[/?#][^]*@/.test(text.slice(text.indexOf('//') + 2));

/** What a parser understands that throws an error of the form "expected …, but got …". */
const parsed = (parse: (text: string) => unknown, otherwise: string) => z.string({ error: otherwise }).superRefine((text, context) => {
  try {
    parse(text);
  } catch (error) {
    const [, expected = otherwise] = /^expected (.*?)(, but got .*)?$/s.exec((error as Error).message) ?? [];
    context.addIssue(expected);
  }
});

export const redisUrl = parsed(parseRedisUrl, 'a Redis URL');

/** Of one server, or of several between commas. */
export const postgresUrl = parsed(parsePostgresUrl, 'a URL that starts with postgres:// or postgresql://').refine(isUnambiguous, unambiguous);

export const analyticsUrl = parsed(parseAnalyticsUrl, 'a URL of a store').refine(isUnambiguous, unambiguous);

/** What is between commas, without the spaces around it; every item has to be of the given form. */
export const list = (expected: string, matches: (item: string) => boolean) =>
  z.string().transform((text) => text.split(',').map((item) => item.trim()).filter((item) => item !== ''))
    .refine((items) => items.length > 0 && items.every(matches), expected);

/** An address of IPv4 or IPv6, alone or with the length of a prefix (RFC 4632): `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

/** An origin as browsers send it (RFC 6454): scheme, host and port, and nothing behind. */
export const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

const rateExpected = 'off, or how often within how long, such as 600/1m';

/** How often within how long: `600/1m`. */
export const rate = z.string().transform((text, context): Rate | undefined => {
  if (text === 'off') return undefined;
  const [, count, window] = /^([1-9]\d{0,6})\/([1-9]\d{0,4}s|[1-9]\d{0,3}m)$/.exec(text) ?? [];
  if (count !== undefined && window !== undefined) return { count: Number(count), windowMs: toMs(window as Duration) };
  context.addIssue(rateExpected);
  return z.NEVER;
});
