import { goalsTable } from './goals.ts';
import type { Absent } from './prepare.ts';
import { judgedNames, mainTable, type Section, sectionText } from './section.ts';

export interface Report {
  /** Facts about the run, a line each: what, and its value. */
  readonly facts: readonly (readonly [string, string])[];
  readonly sections: readonly Section[];
  /** Rows that could not be measured, and why. */
  readonly absent: readonly Absent[];
  /** Per cent of the machine above which others spoil a window. */
  readonly noise: number;
  /** What `bench:idle` has measured last, if it has: Tributary's memory as a multiple of Fastify's. */
  readonly idleRatio?: number | undefined;
}

export const goalsOf = ({ sections, noise, idleRatio }: Report): string => goalsTable(sections, noise, idleRatio);

const absences = ({ absent }: Report): string =>
  absent.length === 0 ? '' : `Left out:\n\n${absent.map(({ title, reason }) => `- ${title}: ${reason}`).join('\n')}`;

/** The whole page. `bench/README.md` says what the columns mean and how far to trust them. */
export function page(report: Report): string {
  return [
    '# Bench',
    report.facts.map(([what, value]) => `- ${what}: ${value}`).join('\n'),
    '## Goals',
    goalsOf(report),
    absences(report),
    'Below: means of the rounds. Sentences say how many times better a row is than another '
      + `(${judgedNames}), so under 1 is worse; in brackets the worst and the best round. Differences under 10 % are taken for none.`,
    ...report.sections.map((section) => sectionText(section, report.noise)),
  ].filter(Boolean).join('\n\n') + '\n';
}

/** What the README shows: the goals, and the cold path. Undefined if that was not measured. */
export function readmeText(report: Report): string | undefined {
  const cold = report.sections.find(({ workload }) => workload.name === 'cold');
  if (!cold || cold.measured.length === 0) return undefined;
  return `${goalsOf(report)}\n\nThe cold path, × by requests per server-CPU-second:\n\n${mainTable(cold, report.noise)}`;
}
