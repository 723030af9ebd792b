import type { Cache } from '../cache/cache.ts';
import type { Call } from '../core/call.ts';
import type { PolicyOf } from '../core/source.ts';
import type { CachePlan } from './cache-plan.ts';
import { Fill } from './fill.ts';
import { Line } from './line.ts';
import { joined } from './shared-trace.ts';
import { leftOut } from './spared.ts';
import type { Stored } from './stored.ts';

/**
 * Keeps answers: fresh → served while a new one is loaded → served where loading fails → never served. Whoever asks
 * for what is not there shares one load; with a shared tier about one process of all does it.
 *
 * A load is work that no asker owns (see Shared). What it answers has to be JsonText, and depends on the keyed fields
 * of the input alone, because the load sees no others.
 */
export const cached = <In, Out>(cache: Cache, plan: CachePlan<In>): PolicyOf<In, Out> => (next) => {
  const line = new Line<In, Out>(cache, plan, next);
  return (input, call) => {
    if (call.reason) return Promise.reject(call.reason);
    const key = plan.keyOf(input);
    // Only this policy puts anything under such a key.
    const found = cache.memory.get(key) as Stored<Out> | undefined;
    const known = found?.subject === plan.subjectOf(input) ? found : undefined;
    if (known && !call.root.reload) {
      const now = performance.now();
      if (now < known.freshUntil) return known.serve(call, 'cache', plan.memory.hit);
      if (known.inGrace(now)) {
        if (!call.spare && known.mayRetry(now) && !line.places.get(key)) Fill.inBackground(line, { key, input: plan.keyed(input), known, trace: call.trace, because: 'stale' });
        return known.serve(call, 'stale', plan.memory.stale);
      }
    }
    if (!call.spare) return loaded(line, key, input, known, call);
    return known?.mends(performance.now()) ? known.serve(call, 'stale', plan.memory.mended) : Promise.reject(leftOut);
  };
};

/** Joins a load that is under way, or begins one. Who wants nothing from a cache does not join, nor fall back on what is known. */
function loaded<In, Out>(line: Line<In, Out>, key: string, input: In, known: Stored<Out> | undefined, call: Call): Promise<Out> {
  line.plan.memory.miss.add();
  const { reload } = call.root;
  const running = reload ? undefined : line.places.get(key);
  if (running?.takesAboard) {
    joined(call, running.call.trace);
    call.flight.collapsed = true;
    return running.join(call);
  }
  const why = reload ? ({ known: undefined, because: 'request' } as const) : ({ known, because: known ? 'stale' : 'miss' } as const);
  return Fill.inForeground(line, { key, input: line.plan.keyed(input), trace: call.trace, ...why }, call);
}
