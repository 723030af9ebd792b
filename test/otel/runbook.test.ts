import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { dashboards } from './board-queries.ts';
import { alerts } from './rules.ts';

const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
const trials = readFileSync(new URL('../../otel/alerts.test.yaml', import.meta.url), 'utf8');

/** As GitHub makes them of headings. */
const anchors = [...runbook.matchAll(/^##+ (.+)$/gm)].map(([, heading]) => heading!.toLowerCase().replaceAll(/[^\w -]/g, '').replaceAll(' ', '-'));

test('there are alerts', () => {
  expect(alerts.length).toBeGreaterThan(15);
});

test.each(alerts)('$name says what it is, and where to read what to do', ({ texts }) => {
  expect(texts.get('severity')).toMatch(/^(page|ticket)$/);
  expect(texts.get('summary')).toMatch(/\w/);
  expect(texts.get('description')).toMatch(/\.$/);
  const [page, anchor] = texts.get('runbook_url')!.split('#');
  expect(page).toBe('docs/runbook.md');
  expect(anchors).toContain(anchor);
});

test.each(alerts)('$name is expected to fire for a fault, by otel/alerts.test.yaml', ({ name, texts }) => {
  expect(trials).toMatch(new RegExp(`ALERTS\\{alertname="${name}", alertstate="firing",.* severity="${texts.get('severity')}"`));
});

test('every section is about an alert, of which it says three things', () => {
  const sections = runbook.split(/^## /m).slice(1).filter((section) => section.startsWith('Tributary'));
  const names = new Set(alerts.map(({ name }) => name));
  for (const section of sections) {
    const [heading] = section.split('\n');
    expect(names.has(heading!), heading).toBe(true);
    expect([...section.matchAll(/^\*\*(\w+)\.\*\*/gm)].map(([, word]) => word), heading).toEqual(['Means', 'Look', 'Do']);
  }
});

test('the panels it sends its reader to are there', () => {
  const titles = new Set(dashboards.flatMap(([name, { panels }]) => panels.map(({ title }) => `${name} ▸ ${title}`)));
  const named = [...runbook.replaceAll('\n', ' ').matchAll(/`([\w-]+ ▸ [^`]+)`/g)].map(([, panel]) => panel!);
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((panel) => !titles.has(panel))).toEqual([]);
});

test('links within it lead somewhere', () => {
  expect([...runbook.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor).filter((anchor) => !anchors.includes(anchor!))).toEqual([]);
});
