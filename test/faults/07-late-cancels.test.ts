// Row 7. A cancel names a backend and not a query: one that arrives late would end the next query there, somebody else's.
// It never does. LATE_CANCELS=100000 runs the race as often as that; otherwise it is run 2,000 times.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCall } from '../../src/core/call.ts';
import { type Connected, connectPostgres, gone, statement } from '../contracts/postgres-client.ts';
import { createDatabase, type Database, waitUntilIdle } from '../support/postgres.ts';
import { sometimes } from './sometimes.ts';

const saw = sometimes('a query was cancelled', 'a cancel came too late for its query', 'a neighbour used the same connection');

let database: Database;

beforeAll(async () => { database = await createDatabase(); });
afterAll(() => database.drop());

const turns = Number(process.env['LATE_CANCELS'] ?? 2_000);
/** Each with a connection of its own, so that whoever comes next meets whatever the one before has left. */
const racers = 16;
/** About as long as a cancel takes to arrive. */
const brief = statement('select pg_sleep(0.003)::text');
/** Long enough to be met by a cancel that is late. */
const next = statement('select pg_sleep(0.002)::text, pg_backend_pid()::text');

interface Tally {
  cancelled: number;
  /** Answered before their caller left, or though it had. */
  answered: number;
  late: number;
  /** Neighbours whose query was ended by a cancel that was not theirs, or failed otherwise. */
  readonly killed: unknown[];
}

/** One query whose caller leaves at some moment, and right behind it, on the same connection, a neighbour's: the backend that served it. */
async function turn(postgres: Connected, leaveAfterMs: number, tally: Tally): Promise<string | null | undefined> {
  using leaving = startCall(60_000);
  using staying = startCall(60_000);
  let answered = false;
  const first = postgres.rows(brief, [], leaving).then(() => { answered = true; }, () => { tally.cancelled++; });
  // Queued before the cancel has been through, as the next caller's is.
  const neighbour = postgres.rows(next, [], staying).catch((error: unknown) => { tally.killed.push(error); });
  await new Promise((resolve) => { setTimeout(resolve, leaveAfterMs); });
  const before = answered;
  leaving.stop(gone);
  await first;
  if (answered) tally.answered++;
  if (answered && !before) tally.late++;
  return (await neighbour)?.[0]?.[1];
}

test('however late a cancel comes, it never hits the next query on its connection', { timeout: 120_000 + turns * 60 }, async () => {
  const tally: Tally = { cancelled: 0, answered: 0, late: 0, killed: [] };
  let begun = 0;
  const race = async () => {
    await using postgres = connectPostgres(database.url, { poolWaitMs: 60_000 });
    let before: string | null | undefined;
    // Moments are spread over twice the time that such a query has taken lately, since machines differ and load does.
    let usualMs = 4;
    while (begun < turns && tally.killed.length === 0) {
      const part = (begun++ % 16) / 8;
      const startedAt = performance.now();
      const backend = await turn(postgres, part * usualMs, tally);
      if (part >= 1) usualMs += ((performance.now() - startedAt) / 2 - usualMs) / 16;
      saw('a neighbour used the same connection', backend !== undefined && backend === before);
      before = backend;
    }
  };
  await Promise.all(Array.from({ length: racers }, race));
  expect(tally.killed).toEqual([]);
  expect(tally.cancelled + tally.answered).toBe(turns);
  saw('a query was cancelled', tally.cancelled > 0);
  saw('a cancel came too late for its query', tally.late > 0);
  await waitUntilIdle(database.url);
});
