/** With one of these whoever started us says where traces go, and means it. */
const elsewhere = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_TRACES_EXPORTER', 'OTEL_CONFIG_FILE', 'OTEL_SDK_DISABLED'] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** Why there are no traces to show; undefined if there are. */
export function untraced(env: Environment): string | undefined {
  const name = elsewhere.find((each) => env[each]);
  return name && `${name} is set, so traces go elsewhere: without it they are shown here`;
}

/** The environment of a gateway that sends all its traces to `endpoint`. */
export function tracingTo(endpoint: string, env: Environment): Record<string, string> {
  if (untraced(env) !== undefined) return {};
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    // Read by JSON.parse: a decoder of protobuf would be ours to write.
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_TRACES_SAMPLER: 'always_on',
    // A tenth of a second: who has clicked looks at the page at once.
    OTEL_BSP_SCHEDULE_DELAY: '100',
  };
}
