import type { Redis } from 'ioredis';
import type { BusListener } from '../cache/tier.ts';
import { Subscription } from './redis-subscription.ts';

/** Passes invalidations on to a listener. */
export const createBus = (connect: () => Redis, channel: string, listener: BusListener): Subscription =>
  new Subscription({
    connect,
    channel,
    onMessage: (text) => {
      const said = parse(text);
      if (said) listener.gone(said.tags, said.token);
    },
    onLost: () => { listener.lost(); },
    onBack: () => { listener.back(); },
  });

interface Said {
  readonly tags: readonly string[];
  readonly token: string | undefined;
}

/** Undefined for what is not ours: anybody may publish anything. */
function parse(text: string): Said | undefined {
  try {
    const { tags, token } = (JSON.parse(text) ?? {}) as { readonly tags?: unknown; readonly token?: unknown };
    if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string')) return undefined;
    return { tags, token: typeof token === 'string' ? token : undefined };
  } catch {
    return undefined;
  }
}
