import * as fc from 'fast-check';
import type { NestPlan, Outcome, PartPlan } from './oracle.ts';

/** A plan before its moments are dealt out: no two things happen at the same time, so that there is one right answer. */
type Draft =
  | { readonly required: boolean; readonly outcome: Outcome | 'never' }
  | { readonly required: boolean; readonly parts: readonly Draft[] };

const outcome = fc.constantFrom<Outcome | 'never'>('answers', 'answers', 'answers', 'not_found', 'bad_answer', 'fails', 'throws', 'never');

const { drafts } = fc.letrec<{ drafts: Draft[]; draft: Draft }>((tie) => ({
  drafts: fc.array(tie('draft'), { minLength: 1, maxLength: 4 }),
  draft: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { weight: 3, arbitrary: fc.record({ required: fc.boolean(), outcome }) },
    { weight: 1, arbitrary: fc.record({ required: fc.boolean(), parts: tie('drafts') }) },
  ),
}));

const momentsMax = 100;

export interface Play {
  readonly plan: Omit<NestPlan, 'required'>;
  /** When the client leaves; mostly it stays. */
  readonly goneAt: number;
}

/** Aggregates of every shape and outcome, their parts landing in any order, before and after any deadline. */
export const plays: fc.Arbitrary<Play> = fc
  .tuple(drafts, fc.shuffledSubarray(Array.from({ length: momentsMax }, (_, at) => at + 1), { minLength: momentsMax }), fc.integer({ min: 0, max: 3 }))
  .map(([parts, moments, leaves]) => {
    let used = 0;
    const moment = () => moments[used++] ?? expectedMoments();
    const dealt = (draft: Draft): PartPlan => {
      if ('parts' in draft) return { required: draft.required, deadline: moment(), parts: draft.parts.map(dealt) };
      const { required, outcome } = draft;
      if (outcome === 'never') return { required, outcome: 'answers', landsAt: Infinity };
      return { required, outcome, landsAt: outcome === 'throws' ? 0 : moment() };
    };
    const goneAt = leaves === 0 ? moment() : Infinity;
    return { plan: { deadline: moment(), parts: parts.map(dealt) }, goneAt };
  });

function expectedMoments(): never {
  throw new Error(`expected ${momentsMax} moments to be enough, but they were not`);
}
