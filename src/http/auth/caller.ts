import type { Caller } from '../../core/access.ts';
import { readAnyScope } from './refused.ts';

/** The role that lets its bearer read what is about others. */
const readAnyRole = 'admin';

type Claims = Readonly<Record<string, unknown>>;

/** Who a token speaks of. The scopes are `scope` (RFC 8693, RFC 9068) and `scp`, the roles what `rolesClaim` names. */
export function callerFrom(subject: string, claims: Claims, rolesClaim: string): Caller {
  const scopes = [claims['scope'], claims['scp']].flatMap(texts).flatMap((text) => text.split(' ')).filter((scope) => scope !== '');
  // Not split at spaces: the role "no admin" is one role.
  const roles = texts(claimAt(claims, rolesClaim));
  return { subject, scopes, roles, readsAny: scopes.includes(readAnyScope) || roles.includes(readAnyRole) };
}

/** A claim by its name, which may have dots in it (`https://shop.example/roles`), or else by a path (`realm_access.roles`). */
function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const step of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Claims)[step];
  }
  return value;
}

/** One text or a list of them; what is no text is none. */
const texts = (value: unknown): string[] => (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string');
