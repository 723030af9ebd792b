import type { Clients } from '../clients/clients.ts';
import { activity } from './activity.ts';
import { profile } from './profile.ts';
import { recommendations } from './recommendations.ts';

/** Every question this service can ask, wired once per process. */
export const createSources = (clients: Clients) => ({
  profile: profile(clients),
  recommendations: recommendations(clients),
  activity: activity(clients),
});

export type Sources = ReturnType<typeof createSources>;
