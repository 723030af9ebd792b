// usage: node demo/sentiment/train.ts
// Learns from reviews.tsv and writes model.json, the same on every run. A fifth of the reviews is held out, and what the
// model makes of those is the accuracy it states.
import { readFileSync, writeFileSync } from 'node:fs';
import { featuresOf, positive, type Weights } from './classifier.ts';

interface Review {
  readonly isPositive: boolean;
  readonly features: readonly string[];
}

// More steps learn the training set by heart; a stronger pull towards 0 forgets rare words.
const STEPS = 300;
const RATE = 1;
const PULL = 0.0005;

const path = (name: string) => new URL(name, import.meta.url);

const reviews: Review[] = readFileSync(path('reviews.tsv'), 'utf8').trim().split('\n').map((line) => {
  const [label = '', text = ''] = line.split('\t');
  return { isPositive: label === '+', features: featuresOf(text) };
});
// Every fifth of either kind: they come sorted.
const isHeldOut = (_: Review, at: number) => at % 5 === 4;
const heldOut = reviews.filter(isHeldOut);
const learned = learn(reviews.filter((review, at) => !isHeldOut(review, at)));
const right = heldOut.filter(({ features, isPositive }) => positive(features, learned) >= 0.5 === isPositive).length;
const model: Weights = { name: 'tributary-reviews-1', accuracy: Number((right / heldOut.length).toFixed(3)), ...learned };
writeFileSync(path('model.json'), `${JSON.stringify(model, undefined, 1)}\n`);
console.log(`${reviews.length - heldOut.length} reviews learned, ${Object.keys(model.weights).length} features; of ${heldOut.length} held out ${right} are sorted right (${model.accuracy})`);

/** Logistic regression by gradient descent over all reviews at a time. */
function learn(reviews: readonly Review[]): Pick<Weights, 'bias' | 'weights'> {
  const weights: Record<string, number> = Object.fromEntries(reviews.flatMap(({ features }) => features.map((feature) => [feature, 0])));
  let bias = 0;
  for (let step = 0; step < STEPS; step++) {
    const slopes: Record<string, number> = {};
    let biasSlope = 0;
    for (const { features, isPositive } of reviews) {
      const error = Number(isPositive) - positive(features, { bias, weights });
      biasSlope += error;
      for (const feature of features) slopes[feature] = (slopes[feature] ?? 0) + error / Math.sqrt(features.length);
    }
    bias += (RATE * biasSlope) / reviews.length;
    for (const feature of Object.keys(weights)) weights[feature]! += RATE * (slopes[feature]! / Math.sqrt(reviews.length) - PULL * weights[feature]!);
  }
  const rounded = Object.entries(weights).map(([feature, weight]) => [feature, Number(weight.toFixed(3))] as const);
  return { bias: Number(bias.toFixed(3)), weights: Object.fromEntries(rounded.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}
