import type { Redis } from 'ioredis';
import type { BusListener } from '../cache/tier.ts';
import { Subscription } from './redis-subscription.ts';

/** Passes invalidations on to a listener. */
export const createBus = (connect: () => Redis, channel: string, listener: BusListener): Subscription =>
  new Subscription({
    connect,
    channel,
    onMessage: (text) => {
      const tags = tagsOf(text);
      if (tags) listener.gone(tags);
    },
    onLost: () => { listener.lost(); },
    onBack: () => { listener.back(); },
  });

/** Undefined for what is not ours: anybody may publish anything. */
function tagsOf(text: string): readonly string[] | undefined {
  try {
    const { tags } = (JSON.parse(text) ?? {}) as { readonly tags?: unknown };
    return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? tags : undefined;
  } catch {
    return undefined;
  }
}
