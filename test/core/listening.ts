import { afterEach, beforeEach, vi } from 'vitest';
import { Call, type Listener } from '../../src/core/call.ts';

/** Who listens to any call, in every test of a file: to see that nobody is left behind who does. */
export function watchListeners(): ReadonlySet<Listener> {
  const listening = new Set<Listener>();
  beforeEach(() => {
    listening.clear();
    // eslint-disable-next-line typescript/unbound-method -- bound to the call that is asked, below
    const { listen, unlisten } = Call.prototype;
    vi.spyOn(Call.prototype, 'listen').mockImplementation(function watched(this: Call, listener) {
      listening.add(listener);
      listen.call(this, listener);
    });
    vi.spyOn(Call.prototype, 'unlisten').mockImplementation(function watched(this: Call, listener) {
      if (listener.heardOf === this) listening.delete(listener);
      unlisten.call(this, listener);
    });
  });
  afterEach(() => { vi.restoreAllMocks(); });
  return listening;
}
