/**
 * What is left of a service that is asked ten times as much as it can answer? With shedding and without, on loopback with
 * real parts; then a fault upstream under load, and how long after its end everything is as before. `npm run bench:overload`.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { alone } from './alone.ts';
import { buildStripped } from './builds.ts';
import { type Fixture, startFixture } from './fixture/fixture.ts';
import { userCount } from './fixture/postgres.ts';
import { chooseCores, pinned } from './machine.ts';
import { Bucket, median, recoverySeconds, type Span, spanOf } from './overload-figures.ts';
import { bench } from './paths.ts';
import { prepare } from './prepare.ts';
import { assertAlive } from './processes.ts';
import { run } from './script.ts';
import { type Service, serviceNamed, startService, variant } from './services.ts';
import { table } from './table.ts';

const exec = promisify(execFile);

/** Enough clients to keep the service busy, and few enough that all are answered in time. */
const peakClients = 48;
/** Of the peak, what the service has to do when nothing is wrong. */
const usual = 0.6;
/** Seconds: warming up, overload (of which the first two are left out of the figures), and the time to recover in. */
const [warm, over, after] = [3, 8, 6] as const;
/** The fault: half of it errors, half of it silence. */
const faultSeconds = 30;

async function load(port: number, plan: string, fixture: Fixture): Promise<Bucket[]> {
  const command = pinned(fixture.cores.rest, [process.execPath, join(bench, 'overload-load.ts'), String(port), String(userCount), plan]);
  const { stdout } = await exec('bash', ['-c', 'ulimit -n "$(ulimit -Hn)" && exec "$@"', 'bash', ...command], { maxBuffer: 64 << 20 });
  return stdout.trim().split('\n').map((line) => Bucket.parse(JSON.parse(line)));
}

/** Starts the service, has it do something, and ends it. */
async function during<T>(service: Service, fixture: Fixture, what: (port: number) => Promise<T>): Promise<T> {
  const running = await startService(service, fixture);
  try {
    const result = await what(running.port);
    assertAlive(running);
    return result;
  } finally {
    await running.stop();
  }
}

async function peakOf(service: Service, fixture: Fixture): Promise<number> {
  return during(service, fixture, async (port) => spanOf(await load(port, `c${peakClients}:${warm + 4}`, fixture), warm, warm + 4).goodput);
}

interface Overload extends Span {
  readonly recovery: number | undefined;
}

async function overload(service: Service, fixture: Fixture, peak: number, times: number): Promise<Overload> {
  return during(service, fixture, async (port) => {
    const few = Math.round(usual * peak);
    const buckets = await load(port, `${few}:${warm},${Math.round(times * peak)}:${over},${few}:${after}`, fixture);
    return { ...spanOf(buckets, warm + 2, warm + over), recovery: recoverySeconds(buckets, warm + over) };
  });
}

/** Errors and then silence upstream, while as much is asked as usual. */
async function fault(service: Service, fixture: Fixture, peak: number) {
  return during(service, fixture, async (port) => {
    const { control } = fixture.stub;
    const loading = load(port, `${Math.round(usual * peak)}:${warm + faultSeconds + after}`, fixture);
    const modes = async () => {
      await sleep(warm * 1_000);
      await control('mode=error');
      await sleep((faultSeconds * 1_000) / 2);
      await control('mode=hang');
      await sleep((faultSeconds * 1_000) / 2);
      await control('mode=ok');
    };
    await modes();
    const buckets = await loading;
    return { during: spanOf(buckets, warm, warm + faultSeconds), recovery: recoverySeconds(buckets, warm + faultSeconds) };
  });
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const seconds = (recovery: number | undefined): string => (recovery === undefined ? `not within ${after} s` : `${recovery.toFixed(1)} s`);

/** A row for each way to run, of which the median counts. */
function told(title: string, runs: readonly Overload[], peaks: readonly number[]): (string | number)[] {
  const of = (figure: (run: Overload) => number) => median(runs.map(figure));
  const ratios = runs.map(({ goodput }, at) => goodput / peaks[at]!);
  return [
    title, of(({ offered }) => offered).toFixed(0), of(({ goodput }) => goodput).toFixed(0),
    `${median(ratios).toFixed(2)} (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})`,
    percent(of(({ partialShare }) => partialShare)), percent(of(({ shedShare }) => shedShare)), percent(of(({ lostShare }) => lostShare)),
    `${of(({ p99 }) => p99).toFixed(0)} ms`, runs.map(({ recovery }) => seconds(recovery)).join(', '),
  ];
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: {
    rounds: { type: 'string', default: '3' }, times: { type: 'string', default: '10' }, ballast: { type: 'string', default: '2' }, fault: { type: 'boolean', default: true },
  }, allowNegative: true });
  const leave = alone();
  const [built] = await prepare([serviceNamed('tributary')], []);
  const ballast = await buildStripped('overload-ballast');
  if (!built) return;
  const [node = '', ...args] = built.command;
  const command = ['bash', '-c', 'ulimit -n "$(ulimit -Hn)" && exec "$@"', 'bash', node, '--import', ballast, ...args];
  const service = (mode: 'on' | 'off') => variant(built, `admission-${mode}`, `admission ${mode}`, { BALLAST_MS: values.ballast, ADMISSION: mode }, { command });
  const fixture = await startFixture(chooseCores(true));
  const peaks: number[] = [];
  const runs: Record<'on' | 'off', Overload[]> = { on: [], off: [] };
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      const peak = await peakOf(service('on'), fixture);
      peaks.push(peak);
      console.error(`round ${round + 1}: the peak is ${peak.toFixed(0)} answers a second`);
      for (const mode of ['on', 'off'] as const) runs[mode].push(await overload(service(mode), fixture, peak, Number(values.times)));
    }
    console.log(`Peak: ${peaks.map((peak) => peak.toFixed(0)).join(', ')} whole answers a second, each ${values.ballast} ms of CPU above what it costs by itself.\n`);
    console.log(table(
      ['', 'offered a second', 'in time', '÷ peak', 'of them partial', 'shed', 'lost', 'p99 of 200s', 'whole again after'],
      [told('admission on', runs.on, peaks), told('admission off', runs.off, peaks)],
    ));
    if (!values.fault) return;
    const { during, recovery } = await fault(service('on'), fixture, median(peaks));
    console.log(`\nUpstream fails for ${faultSeconds / 2} s and hangs for ${faultSeconds / 2} s: ${percent(during.goodput / during.offered)} answered in time, ${percent(during.partialShare)} of them in part, ${percent(during.shedShare)} shed; whole again after ${seconds(recovery)}.`);
  } finally {
    await fixture.stop();
    await leave();
  }
}

await run(main);
