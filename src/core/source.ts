import type { Call } from './call.ts';

/** Anything that can answer: one question to one system. It stops when its call is stopped, and rejects with its reason. */
export type Source<In, Out> = (input: In, call: Call) => Promise<Out>;

/** Anything that makes a source better without changing what it answers. */
export type Policy = <In, Out>(next: Source<In, Out>) => Source<In, Out>;

/** A policy that has to look at the input or the answer: a cache, a coalescer. */
export type PolicyOf<In, Out> = (next: Source<In, Out>) => Source<In, Out>;

const speaking = new WeakSet<object>();

/**
 * Marks a source whose flight is about its own answer: an aggregate, or one whose answers a cache keeps. The flight of
 * any other may be about what it has asked in turn.
 */
export function speaks<S extends object>(source: S): S {
  speaking.add(source);
  return source;
}

export const isSpeaking = (source: object): boolean => speaking.has(source);

const specs = new WeakMap<object, object>();

/** Remembers what a source was defined by, for whoever draws or documents it. Nobody looks while a request is answered. */
export function definedBy<S extends object>(source: S, spec: object): S {
  specs.set(source, spec);
  return source;
}

/** What was handed to `aggregate`, `source` or `batched`; undefined for a source that somebody wrote by hand. */
export const specOf = (source: object): object | undefined => specs.get(source);

type Maybe<T> = T | false | undefined;

/** The first policy named sees the call first; absent ones are skipped. The load alone decides the types. */
export function stack<In, Out>(
  load: Source<In, Out>,
  ...policies: Maybe<PolicyOf<NoInfer<In>, NoInfer<Out>>>[]
): Source<In, Out> {
  const safe: Source<In, Out> = (input, call) => settling(load, input, call);
  return policies.reduceRight<Source<In, Out>>((next, policy) => (policy ? policy(next) : next), safe);
}

/** Asks a source that somebody wrote by hand: one that throws rejects, so that no policy has to expect both. */
export function settling<In, Out>(source: Source<In, Out>, input: In, call: Call): Promise<Out> {
  try {
    return source(input, call);
  } catch (error) {
    // eslint-disable-next-line typescript/prefer-promise-reject-errors -- it is passed on as it was thrown
    return Promise.reject(error);
  }
}
