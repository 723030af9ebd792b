import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { isRecording } from '../../src/core/trace.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

/** Whether a span records in a process that was started with otel/start.ts and this environment. */
async function records(environment: Readonly<Record<string, string>>): Promise<boolean> {
  const script = `console.log((await import('./src/core/trace.ts')).isRecording()); process.exit();`;
  const { stdout } = await run(process.execPath, ['--import', './otel/start.ts', '--input-type=module', '--eval', script], { cwd: root, env: environment });
  return JSON.parse(stdout) as boolean;
}

test('without an SDK no span records', () => {
  expect(isRecording()).toBe(false);
});

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };

describe.concurrent('a process', () => {
  test.for<[string, Readonly<Record<string, string>>, boolean]>([
    ['that is told where traces go records', endpoint, true],
    ['that is told where traces alone go records', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:9/v1/traces' }, true],
    ['records whatever the sampler, which decides before the SDK does', { ...endpoint, OTEL_TRACES_SAMPLER: 'always_off' }, true],
    // An empty variable counts as unset (OpenTelemetry, environment variables).
    ['in whose environment a variable is empty records', { ...endpoint, OTEL_TRACES_EXPORTER: '' }, true],
    ['that is told nothing does not record', {}, false],
    ['whose SDK is disabled does not record', { ...endpoint, OTEL_SDK_DISABLED: 'true' }, false],
    ['whose exporter is none does not record', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }, false],
  ])('%s', async ([, environment, expected]) => {
    expect(await records(environment)).toBe(expected);
  });
});
