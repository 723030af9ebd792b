import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { sometimes } from './sometimes.ts';

const saw = sometimes('an expression that is not linear was found out', 'an expression of ours was tried');

const src = fileURLToPath(new URL('../../src/', import.meta.url));

/** What only reads the configuration, or what the service itself was told by its operators, is not reached by strangers. */
const configuration = /^(?:config|process)\/|^config\.ts|^clients\/redis-url\.ts/;

/** Every regular expression that is written in the sources, and where. */
function expressions(): (readonly [where: string, expression: RegExp])[] {
  return globSync('**/*.ts', { cwd: src }).filter((path) => !configuration.test(path)).flatMap((path) => {
    const file = ts.createSourceFile(path, readFileSync(src + path, 'utf8'), ts.ScriptTarget.Latest, true);
    const found: (readonly [string, RegExp])[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const end = node.text.lastIndexOf('/');
        found.push([`${path}: ${node.text}`, new RegExp(node.text.slice(1, end), node.text.slice(end + 1))]);
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
    return found;
  });
}

/** About as long as what can reach one of them: headers end at 16 KiB. */
const length = 12_000;
/** Of the CPU: a linear one needs well under a millisecond for it, one that looks at every pair of characters a hundred and more. */
const tooLongMs = 25;

/** Texts that make a bad expression go back and forth: something it begins with, something it repeats, something it cannot end with. */
function* attacks({ source }: RegExp): Generator<string> {
  const characters = [...new Set(`${source.replaceAll(/\\./g, '')}0a1 .,:-/@[\n`)];
  const beginnings = ['', '0', 'a:', '-', '[', ...source.split(/[^\w ,:=/-]+/).filter((word) => word.length > 1)];
  const units = [...characters, '0.', ', ', 'a:', '1 ', ':0', '.0'];
  for (const beginning of new Set(beginnings)) {
    for (const unit of units) for (const end of ['', '!']) yield beginning + unit.repeat(length / unit.length) + end;
  }
}

/** The attack that takes too long, if there is one. By the CPU that it takes, since others have it too; and more than once, since some of that may be the collector's. */
function slowest(expression: RegExp): string | undefined {
  const took = (text: string) => {
    const before = process.threadCpuUsage();
    expression.lastIndex = 0;
    text.replace(expression, '');
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1_000;
  };
  for (const text of attacks(expression)) {
    if (took(text) > tooLongMs && took(text) > tooLongMs && took(text) > tooLongMs) return `${JSON.stringify(text.slice(0, 20))}…`;
  }
  return undefined;
}

// Only quadratic ones: what is exponential would not come back.
test.each([/(\d+)\.$/, /^0*(\d+)$/, /\s+$/])('a bad one is found out: %s', (expression) => {
  expect(slowest(expression)).toBeDefined();
  saw('an expression that is not linear was found out');
});

test.each(expressions())('%s takes as long as its input, and no longer', (_, expression) => {
  saw('an expression of ours was tried');
  expect(slowest(expression)).toBeUndefined();
});

test('they were found', () => {
  const where = expressions().map(([text]) => text.split(':', 1)[0]);
  expect(where).toEqual(expect.arrayContaining(['http/trace-context.ts', 'http/hardening.ts', 'http/caching.ts', 'sources/user.ts']));
});
