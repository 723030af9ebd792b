import { expect, test } from 'vitest';
import { simulate } from './simulation.ts';
import { facts } from './facts.ts';

const now = performance.now.bind(performance);

/** Replays one seed, and prints what happened. */
const replayed = process.env['SIMULATION_SEED'];
/** A run that is given its time looks for what nobody has seen: new seeds after the first ones. Else they are always the same, so that a change is judged by itself. */
const given = process.env['SIMULATION_SECONDS'];
const seconds = Number(given ?? 45);

/** So many show every fact; on a slow machine at least so many run all the same, and on a fast one so many are enough. */
const fixed = 200;
const least = 50;
const most = given === undefined ? 600 : Infinity;

if (replayed !== undefined) test('the seed that was asked for', async () => {
  const { lines, faults } = await simulate(Number(replayed));
  process.stdout.write(`${lines.join('\n')}\n`);
  expect(faults).toEqual([]);
});
else test('in no seed is a law of the engine broken, and over all of them everything happens', async () => {
  const endsAt = now() + 1_000 * seconds;
  const seen = new Set<string>();
  let seeds = 0;
  for (; seeds < least || (seeds < most && now() < endsAt); seeds++) {
    const seed = given === undefined || seeds < fixed ? seeds : Math.floor(Math.random() * 2 ** 32);
    const { faults, lines, seen: own } = await simulate(seed);
    for (const fact of own) seen.add(fact);
    expect(faults, `seed number ${seeds + 1}: replay it with SIMULATION_SEED=${seed} npx vitest run --project simulation\n\n${lastBefore(lines)}\n`).toEqual([]);
  }
  process.stdout.write(`${seeds} seeds, and no law was broken\n`);
  // Fewer do not have to show everything.
  if (seeds >= fixed) expect(facts.filter((fact) => !seen.has(fact)), 'never seen').toEqual([]);
});

test('two runs of a seed are the same in everything that happens, and when', async () => {
  for (const seed of [1, 2, 3, 20_261_121]) expect((await simulate(seed)).lines).toEqual((await simulate(seed)).lines);
});

/** What happened before the first fault, and the fault. */
function lastBefore(lines: readonly string[]): string {
  const end = lines.findIndex((line) => line.includes('FAULT')) + 1;
  return lines.slice(Math.max(0, end - 40), end).join('\n');
}
