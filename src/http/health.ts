import { Hono } from 'hono';
import { type Call, startCall } from '../core/call.ts';

/** What Kubernetes asks, and SREs. */
export interface Health {
  /** The gateway listens. */
  readonly started: () => boolean;
  /** It has been told to end, and takes no new work. */
  readonly draining: () => boolean;
  /** It has had to shed requests for seconds, and asks its balancer for a rest. */
  readonly shedding: () => boolean;
}

/** What is asked over a wire. */
interface Dependency {
  check(call: Call): Promise<void>;
}

/** By their names. */
type Dependencies<D> = { readonly [Name in keyof D]: Dependency };

/** The longest a dependency is waited for when `?verbose` asks after it. */
const checkMs = 500;

/**
 * `/livez`, `/readyz` and `/startupz`, in the manner of kube-apiserver: machines read the status, people add `?verbose`.
 * Dependencies are shown and never decide: a shared one that is down would take all pods out of service at once,
 * while each could still answer in part.
 */
export function createHealth<D extends Dependencies<D>>(clients: D, { started, draining, shedding }: Health): Hono {
  const app = new Hono();
  const probe = (path: string, checks: () => Record<string, boolean>) => app.get(path, async (c) => {
    const own = Object.entries(checks());
    const status = own.every(([, ok]) => ok) ? 200 : 503;
    if (c.req.query('verbose') === undefined) return c.text(status === 200 ? 'ok' : 'not ok', status);
    const lines = own.map(([name, ok]) => `[${ok ? '+' : '-'}] ${name} ${ok ? 'ok' : 'failed'}`);
    return c.text([...lines, ...(await dependencies(clients)), `${path.slice(1)} check ${status === 200 ? 'passed' : 'failed'}`, ''].join('\n'), status);
  });
  probe('/livez', () => ({ 'event loop': true }));
  probe('/startupz', () => ({ listening: started() }));
  probe('/readyz', () => ({ listening: started(), 'not draining': !draining(), 'not shedding': !shedding() }));
  return app;
}

/** A line for each client: it answers, or what came instead. */
async function dependencies(clients: object): Promise<string[]> {
  return Promise.all(Object.entries(clients).map(async ([name, client]: [string, Dependency]) => {
    using call = startCall(checkMs);
    try {
      await client.check(call);
      return `[+] ${name} ok`;
    } catch (error) {
      return `[-] ${name} degraded: ${(error as Error).message}`;
    }
  }));
}
