import { Failure } from '../../src/core/failure.ts';

/** The Failure with which `work` rejects. What resolves, or rejects with anything else, is an error of its own. */
export async function failing(work: Promise<unknown>): Promise<Failure> {
  const outcome = await work.then((value) => ({ value }), (error: unknown) => ({ error }));
  if ('value' in outcome) throw new Error(`expected a failure, but got the answer ${JSON.stringify(outcome.value)}`);
  if (!(outcome.error instanceof Failure)) throw new Error('expected a Failure, but got another error', { cause: outcome.error });
  return outcome.error;
}

/** What only those who run the service may read: SQL, drivers, addresses, files, stacks. None of it belongs in a reply. */
export const internals =
  /\b(?:(?i:select|insert|relation|column|syntax|permission denied|statement|backend|postgres(?:ql)?|pg_\w+|undici|node_modules|localhost)|UND_ERR\w*|HPE_\w+|E[A-Z]{4,}|127\.0\.0\.1|at \S+ \(|\w+\.[jt]s:\d+)/;
