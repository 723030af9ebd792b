/** What `train.ts` has learned: how much each feature says for POSITIVE (above 0) or against it. */
export interface Weights {
  readonly name: string;
  /** The share of held-out reviews that it sorts as their writers did. */
  readonly accuracy: number;
  readonly bias: number;
  readonly weights: Readonly<Record<string, number>>;
}

export interface Verdict {
  readonly sentiment: 'POSITIVE' | 'NEGATIVE';
  /** From 0.5, a guess, to 1. */
  readonly confidence: number;
  readonly model: string;
}

const negators = new Set(['not', 'no', 'never', 'nothing', 'nobody', 'without', 'cannot']);

/** A negation turns so many words after it. */
const reach = 3;

/**
 * The words of a text and their pairs, each once, in the order in which they come; words after a negation, and before a
 * stop, begin with "not_". classifier.py does the same: an answer must not depend on which of the two is asked.
 */
export function featuresOf(text: string): string[] {
  const features = new Set<string>();
  let before: string | undefined;
  let negated = 0;
  for (const [token] of text.toLowerCase().replaceAll('’', "'").matchAll(/[a-z]+(?:'[a-z]+)?|[.,;:!?]/g)) {
    if (!/^[a-z]/.test(token)) {
      [before, negated] = [undefined, 0];
      continue;
    }
    const word = negated > 0 ? `not_${token}` : token;
    features.add(word);
    if (before !== undefined) features.add(`${before} ${word}`);
    before = word;
    negated = negators.has(token) || token.endsWith("n't") ? reach : negated - 1;
  }
  return [...features];
}

/** How sure the model is that a text is positive, from 0 to 1. Divided by the root of their number: a long text has more features, not more meaning. */
export function positive(features: readonly string[], { bias, weights }: Pick<Weights, 'bias' | 'weights'>): number {
  let sum = 0;
  for (const feature of features) if (Object.hasOwn(weights, feature)) sum += weights[feature]!;
  return 1 / (1 + Math.exp(-(bias + sum / Math.sqrt(Math.max(1, features.length)))));
}

/** Of a text as long as it is; whoever asks cuts it. */
export function classify(text: string, model: Weights): Verdict {
  const share = positive(featuresOf(text), model);
  const isPositive = share >= 0.5;
  // Four digits: the last ones of `exp` may differ from machine to machine.
  return { sentiment: isPositive ? 'POSITIVE' : 'NEGATIVE', confidence: Math.floor((isPositive ? share : 1 - share) * 10_000 + 0.5) / 10_000, model: model.name };
}
