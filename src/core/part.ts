import type { Answer } from './answer.ts';
import type { Plain } from './json-text.ts';
import { isSpeaking, type Source, specOf } from './source.ts';

/** A part that may be missing: then `otherwise` stands in its place, and the answer says so. */
export interface Optional<In, Out, Otherwise> {
  readonly source: Source<In, Out>;
  readonly otherwise: Otherwise;
}

/** A source under a name; required unless it is wrapped in `optional`. */
export type Part<In> = Source<In, unknown> | Optional<In, unknown, unknown>;
export type Parts<In> = Readonly<Record<string, Part<In>>>;

/** What a reader of the part sees: JsonText as what it stands for, a nested aggregate as its data. */
export type Seen<Out> = Out extends Answer<infer Data> ? Data : Plain<Out>;

type ValueOf<P> =
  P extends Source<never, infer Out> ? Seen<Out>
  : P extends Optional<never, infer Out, infer Otherwise> ? Seen<Out> | Otherwise
  : never;

/** The data of an aggregate with these parts. */
export type DataOf<P> = { readonly [Name in keyof P]: ValueOf<P[Name]> };

/** A part that may be missing, then null. */
export function optional<In, Out>(source: Source<In, Out>): Optional<In, Out, null>;
/** A part that may be missing, then `otherwise`, which is of the type the part answers. */
export function optional<In, Out>(source: Source<In, Out>, or: { readonly otherwise: NoInfer<Seen<Out>> }): Optional<In, Out, never>;
export function optional(
  source: Source<never, unknown>,
  or?: { readonly otherwise: unknown },
): Optional<never, unknown, unknown> {
  return { source, otherwise: or ? or.otherwise : null };
}

/** A part as the engine runs it. */
export interface PlannedPart {
  readonly name: string;
  readonly source: Source<unknown, unknown>;
  readonly required: boolean;
  readonly otherwise: unknown;
  /** Its flight is about its own answer, and not about what it asks in turn. */
  readonly speaks: boolean;
  /** What its span calls the source; undefined for one that somebody wrote by hand, which has none. */
  readonly sourceName: string | undefined;
}

/** The parts in the order of their definition. Throws a TypeError for a name that could not be a member of the reply. */
export function planParts(aggregate: string, parts: Readonly<Record<string, unknown>>): readonly PlannedPart[] {
  const planned = Object.entries(parts).map(([name, part]) => {
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || name === 'errors') {
      throw new TypeError(
        `expected part names of ${aggregate} to be letters, digits and underscores, and not "errors", but got: ${JSON.stringify(name)}`,
      );
    }
    if (typeof part === 'function') {
      return { name, source: part as PlannedPart['source'], required: true, otherwise: undefined, speaks: isSpeaking(part), sourceName: nameOf(part) };
    }
    const { source, otherwise } = (part ?? {}) as Partial<Optional<unknown, unknown, unknown>>;
    if (typeof source === 'function') return { name, source, required: false, otherwise, speaks: isSpeaking(source), sourceName: nameOf(source) };
    throw new TypeError(`expected part ${name} of ${aggregate} to be a source or optional(a source), but got: ${typeof (source ?? part)}`);
  });
  if (planned.length === 0) throw new TypeError(`expected ${aggregate} to have at least one part, but got: {}`);
  return planned;
}

function nameOf(source: object): string | undefined {
  const spec: { readonly name?: string } | undefined = specOf(source);
  return spec?.name;
}
