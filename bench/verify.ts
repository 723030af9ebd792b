/**
 * Do all services answer the same? Compares bodies with the stores and with Tributary's, byte for byte but for the order of
 * keys, and exits with 1 if one differs. Then breaks things, and tells what each service makes of it.
 */
import http from 'node:http';
import { parseArgs } from 'node:util';
import { alone } from './alone.ts';
import { canonical } from './canonical.ts';
import { faults, tryFaults } from './faults.ts';
import { type Fixture, startFixture } from './fixture/fixture.ts';
import { chooseCores } from './machine.ts';
import { type Absent, leaveOut, prepare } from './prepare.ts';
import { assertAlive, get } from './processes.ts';
import { run } from './script.ts';
import { path, type Running, type Service, services, startService } from './services.ts';
import { chooseIds, truth, unknownIds } from './stores.ts';
import { table } from './table.ts';

interface Verdict {
  readonly title: string;
  readonly bodies: Map<number, string>;
  readonly notFound: number;
  readonly told: string[];
}

/** The bodies of all ids, twenty at a time. What is no 200 or no JSON is kept as it is: it will differ. */
async function bodiesOf(running: Running, ids: readonly number[]): Promise<Map<number, string>> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
  const bodies = new Map<number, string>();
  const left = [...ids];
  const ask = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const { status, body } = await get(running.port, path + id, { agent });
      bodies.set(id, status === 200 ? safely(body) : `${status} ${body}`);
    }
  };
  await Promise.all(Array.from({ length: 20 }, ask));
  agent.destroy();
  return bodies;
}

function safely(body: string): string {
  try {
    return canonical(body);
  } catch {
    return `no JSON: ${body}`;
  }
}

async function judge(service: Service, ids: readonly number[], fixture: Fixture): Promise<Verdict> {
  const running = await startService(service, fixture);
  try {
    const bodies = await bodiesOf(running, ids);
    const unknown = await Promise.all(unknownIds.map((id) => get(running.port, path + id)));
    const notFound = unknown.filter(({ status }) => status === 404).length;
    const told = await tryFaults(running, fixture);
    assertAlive(running);
    return { title: service.title, bodies, notFound, told };
  } finally {
    await running.stop();
  }
}

/** The first place where two texts part, with what stands there. */
function difference(id: number, expected: string, got: string): string {
  let at = 0;
  while (at < expected.length && expected[at] === got[at]) at++;
  const near = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 20), at + 40));
  return `user ${id}: expected … ${near(expected)} …, but got … ${near(got)} …`;
}

const differing = (expected: ReadonlyMap<number, string>, got: ReadonlyMap<number, string>) =>
  [...expected].filter(([id, body]) => got.get(id) !== body);

/** Prints the table; returns whether every body and every 404 is as it should be. */
function report(expected: ReadonlyMap<number, string>, verdicts: readonly Verdict[]): boolean {
  const own = verdicts.find(({ title }) => title === 'tributary');
  const same = (other: ReadonlyMap<number, string>, { bodies }: Verdict) => `${other.size - differing(other, bodies).length} of ${other.size}`;
  const rows = verdicts.map((verdict) => [
    verdict.title,
    same(expected, verdict),
    own ? same(own.bodies, verdict) : 'not run',
    `${verdict.notFound} of ${unknownIds.length}`,
  ]);
  console.log(table(['service', "as the stores'", "as tributary's", 'unknown ids: 404'], rows));
  for (const { title, bodies } of verdicts) {
    const [first] = differing(expected, bodies);
    if (first) console.log(`${title}: ${difference(first[0], first[1], bodies.get(first[0]) ?? '')}`);
  }
  console.log(`\n${table(['', ...faults.map(({ title }) => title)], verdicts.map(({ title, told }) => [title, ...told]))}`);
  return verdicts.every(({ bodies, notFound }) => differing(expected, bodies).length === 0 && notFound === unknownIds.length);
}

async function main(): Promise<boolean> {
  // Logging and tracing change no body.
  const every = services.filter(({ discardLog, needs }) => !discardLog && !needs).map(({ name }) => name);
  const { values } = parseArgs({ options: { peers: { type: 'string', default: every.join(',') }, ids: { type: 'string', default: '2000' } } });
  const wanted = services.filter(({ name }) => values.peers.split(',').includes(name));
  const leave = alone();
  const absent: Absent[] = [];
  const ready = await prepare(wanted, absent);
  const fixture = await startFixture(chooseCores(false));
  try {
    const ids = chooseIds(Number(values.ids));
    const expected = await truth(ids, fixture);
    const verdicts: Verdict[] = [];
    for (const service of ready) {
      await judge(service, ids, fixture).then((verdict) => verdicts.push(verdict), (error: unknown) => leaveOut(absent, service, error));
    }
    return report(expected, verdicts) && expected.size === ids.length && verdicts.length === ready.length;
  } finally {
    await fixture.stop();
    await leave();
  }
}

await run(main);
