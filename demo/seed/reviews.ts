import type { ShopEvent } from './behaviour.ts';
import { randomFrom } from './random.ts';

export interface Review {
  readonly productId: number;
  readonly rating: number;
  readonly text: string;
  readonly atMs: number;
}

// Most who write are content.
const RATING_WEIGHTS = [2, 2, 3, 7, 10];

const FIRST = [
  ['Broke after a week.', 'It does not work.', 'What a waste of money.', 'Terrible, I sent it back.'],
  ['I expected more.', 'Disappointing.', 'Not worth the price.', 'The quality is poor.'],
  ['It is okay.', 'Does the job, more or less.', 'Neither good nor bad.', 'Some things are good and some are not.'],
  ['Good quality.', 'I am happy with it.', 'Works well.', 'Nice and sturdy.'],
  ['I love it!', 'Excellent, exactly what I wanted.', 'The best I have ever had.', 'Perfect in every way.'],
];
const SECOND = [
  ['The seller never answered.', 'Would not buy again.', 'Do not buy this.'],
  ['It feels cheap.', 'It arrived late and scratched.', 'My old one was better.'],
  ['Delivery took its time.', 'The colour is another than in the picture.', 'We will see how long it lasts.'],
  ['Quick delivery.', 'Easy to use.', 'Good value.'],
  ['Highly recommended.', 'A joy to use every day.', 'My friends want one too.'],
];

/** What was written where somebody reviewed something: the same for the same events. */
export function reviews(events: readonly ShopEvent[]): Review[] {
  const random = randomFrom(31_337);
  return events.flatMap(({ type, productId, atMs }) => {
    if (type !== 'review' || productId === null) return [];
    const rating = random.weighted(RATING_WEIGHTS) + 1;
    const text = `${random.pick(FIRST[rating - 1] ?? [])} ${random.pick(SECOND[rating - 1] ?? [])}`;
    return [{ productId, rating, text, atMs }];
  });
}
