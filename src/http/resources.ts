import type { Aggregate } from '../core/aggregate.ts';
import type { Method, Operation, Outcome } from '../core/operation.ts';

// Of any input and data: what is asked is validated by the definition's own schemas before it is asked.
/* eslint-disable typescript/no-explicit-any -- `never` as input would not let it be asked at all */
export type AnyAggregate = Aggregate<any, unknown>;
export type AnyOperation = Operation<any, any, any, Outcome, any>;
/* eslint-enable typescript/no-explicit-any */

/** What can be asked at a path: an aggregate by GET, operations by their methods. An aggregate alone stands for itself by GET. */
export type Resource = AnyAggregate | ({ readonly GET?: AnyAggregate } & { readonly [M in Method]?: AnyOperation });

/** By path, whose parameters are written as Hono does: `/api/v1/products/:id`. */
export type Resources = Readonly<Record<`/${string}`, Resource>>;

/** The aggregates among them, by path. */
export const aggregatesIn = (resources: Resources): Readonly<Record<string, AnyAggregate>> =>
  Object.fromEntries(Object.entries(resources).flatMap(([path, resource]) => {
    const { GET: read } = methodsOf(resource);
    return read ? [[path, read]] : [];
  }));

export const methodsOf = (resource: Resource): Exclude<Resource, AnyAggregate> => (typeof resource === 'function' ? { GET: resource } : resource);
