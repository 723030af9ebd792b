import { activity } from './activity.ts';
import { changes } from './changes.ts';
import { product, productList } from './products.ts';
import { profile } from './profile.ts';
import { recommendations } from './recommendations.ts';
import { latestReviews, reviewSummary } from './reviews.ts';
import { sentiment } from './sentiment.ts';
import { similar } from './similar.ts';
import type { Systems } from './systems.ts';

/** Every question this service can ask, and the way to change something, wired once per process. */
export const createSources = (systems: Systems) => ({
  profile: profile(systems),
  recommendations: recommendations(systems),
  activity: activity(systems),
  product: product(systems),
  productList: productList(systems),
  changes: changes(systems),
  similar: similar(systems),
  reviewSummary: reviewSummary(systems),
  latestReviews: latestReviews(systems),
  sentiment: sentiment(systems),
});

export type Sources = ReturnType<typeof createSources>;
