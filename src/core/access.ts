/** Who asks, as their verified token says. */
export interface Caller {
  /** The id under which the stores know them. */
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** They may read what is about others: an operator, or a service that asks for its users. */
  readonly readsAny: boolean;
}

/**
 * Who may ask: anybody (`public`), whoever has a token (`authenticated`), whom the answer is about (the caller whose
 * subject is the input's field `own`), or who has a role. Callers that read any may ask all that has no role.
 */
export type Access<Field extends string = string> = 'public' | 'authenticated' | { readonly own: Field } | { readonly role: string };

/** What holds where an aggregate says nothing: an answer is its subject's. */
export const ownAccess = { own: 'user_id' } as const;

/** Who may read one answer. */
export type Readers = 'anybody' | 'callers' | 'operators' | { readonly subject: string } | { readonly role: string };

/** Who may read the answer to a validated input. An input that does not say whom it is about is for operators only. */
export function readersOf(access: Access, input: unknown): Readers {
  if (access === 'public') return 'anybody';
  if (access === 'authenticated') return 'callers';
  if ('role' in access) return access;
  const subject = typeof input === 'object' && input !== null && Object.hasOwn(input, access.own) ? (input as Readonly<Record<string, unknown>>)[access.own] : undefined;
  if (typeof subject === 'string') return { subject };
  return Number.isSafeInteger(subject) ? { subject: String(subject) } : 'operators';
}

/** Compares with the token alone and asks nobody, so that a refusal says nothing about what there is. */
export function mayRead(readers: Readers, caller: Caller | undefined): boolean {
  if (readers === 'anybody') return true;
  if (!caller) return false;
  if (typeof readers === 'object' && 'role' in readers) return caller.roles.includes(readers.role);
  if (caller.readsAny || readers === 'callers') return true;
  return readers !== 'operators' && readers.subject === caller.subject;
}

/** Whether somebody may do something: to read what is about others is no leave to change it. */
export const mayDo = (access: Access, input: unknown, caller: Caller | undefined): boolean =>
  mayRead(readersOf(access, input), caller && { ...caller, readsAny: false });
