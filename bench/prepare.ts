import { buildStub } from './builds.ts';
import type { Service } from './services.ts';

export const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export interface Absent {
  readonly title: string;
  readonly reason: string;
}

/** Says it at once, and keeps it for the report. */
export function leaveOut(absent: Absent[], { title }: { readonly title: string }, error: unknown): void {
  const reason = message(error);
  absent.push({ title, reason });
  console.error(`left out: ${title}: ${reason}`);
}

/** Builds the stub and what can be built of the services; what cannot is left out, with its reason. */
export async function prepare(wanted: readonly Service[], absent: Absent[]): Promise<Service[]> {
  await buildStub().catch((error: unknown) => console.error(`The Node stub serves, at several times its CPU: ${message(error)}`));
  const built = new Map<Service['build'], Promise<unknown>>();
  const ready: Service[] = [];
  for (const service of wanted) {
    const work = built.get(service.build) ?? service.build();
    built.set(service.build, work); // Two rows of one build: once.
    try {
      await work;
      ready.push(service);
    } catch (error) {
      leaveOut(absent, service, error);
    }
  }
  return ready;
}
