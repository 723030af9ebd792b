import { z } from 'zod';

const port = (wanted: number) =>
  z
    .string()
    .regex(/^\d{1,5}$/, 'expected a port from 1 to 65535')
    .transform(Number)
    .refine((value) => value >= 1 && value <= 65_535, 'expected a port from 1 to 65535')
    .default(wanted);

/**
 * What can be chosen from outside. Ports are wishes: one that is taken is replaced by the next free one. All are below
 * 32768, where systems take the ports of outgoing connections from, so that a stranger rarely holds one.
 */
const Settings = z.object({
  PORT: port(8080),
  ADMIN_PORT: port(9090),
  RECOMMENDER_PORT: port(7070),
  SENTIMENT_PORT: port(7071),
  /** Of the page that shows traces, and where they are sent: the port of OTLP over HTTP. */
  VIEWER_PORT: port(4318),
  POSTGRES_PORT: port(15_432),
  REDIS_PORT: port(16_379),
  /** optional: whoever changes something needs a token, as `npm run demo:token` makes them. jwt: and so does whoever asks about a user. */
  AUTH: z.enum(['none', 'optional', 'jwt'], 'expected none, optional or jwt').default('optional'),
  LOG_LEVEL: z.string().default('info'),
  /** What node runs as the gateway: "--inspect --import ./otel/start.ts demo/dev/gateway.ts" to debug it. */
  GATEWAY_ARGS: z
    .string()
    .default('--import ./otel/start.ts demo/dev/gateway.ts')
    .transform((text) => text.split(' ').filter((word) => word !== '')),
});
export type Settings = z.infer<typeof Settings>;

/** An empty variable counts as unset. Throws with a line for each that is wrong. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const parsed = Settings.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    return `${name}: ${message}, but got ${JSON.stringify(env[name])}`;
  });
  throw new Error(wrong.join('\n'));
}
