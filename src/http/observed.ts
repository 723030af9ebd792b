import { Failure } from '../core/failure.ts';
import type { HttpContext } from './context.ts';
import type { Edge } from './edge.ts';
import { problem } from './problem.ts';
import { Visit } from './visit.ts';

/** What a handler answers with; it may throw. */
export type Answering = (c: HttpContext, visit: Visit) => Response | Promise<Response>;

/** A handler that is traced and logged, and whose failures become problems. `route` is its pattern, never a path. */
export const observed = (route: string, edge: Edge, answering: Answering) => async (c: HttpContext): Promise<Response> => {
  const visit = new Visit(c, route, edge);
  try {
    const response = await answering(c, visit);
    visit.status = response.status;
    return response;
  } catch (error) {
    const failure = error instanceof Failure ? error : new Failure('internal_error', 'something went wrong here', { cause: error });
    return problem(failure, visit, edge);
  }
};

/** The same for what no definition answers, counted for whoever asks it. */
export const counted = (route: string, edge: Edge, answering: Answering) => observed(route, edge, async (c, visit) => {
  const tooMany = await edge.limits?.takeFor(c);
  if (tooMany) throw tooMany;
  return answering(c, visit);
});
