import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { boards, written } from '../../otel/dashboards/all.ts';
import { dashboards } from './board-queries.ts';

const folder = new URL('../../otel/dashboards/', import.meta.url);

test.each(Object.entries(boards))('%s.json is what its definition makes: else run node otel/dashboards/write.ts', (name, board) => {
  expect(readFileSync(new URL(`${name}.json`, folder), 'utf8')).toBe(written(board));
});

test('there are no others', () => {
  expect(readdirSync(folder).filter((name) => name.endsWith('.json')).toSorted()).toEqual(Object.keys(boards).map((name) => `${name}.json`).toSorted());
  expect(new Set(dashboards.map(([, { uid }]) => uid)).size).toBe(dashboards.length);
});

test.each(dashboards)('%s: panels lie beside each other, and say what to make of them', (_, { panels }) => {
  for (const { type, title, description, gridPos } of panels) {
    expect(Object.values(gridPos).every(Number.isInteger), title).toBe(true);
    if (type !== 'text') expect(description, title).not.toBe('');
  }
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`));
  expect(new Set(cells).size).toBe(cells.length);
});
