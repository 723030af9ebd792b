import { Script } from 'node:vm';
import { functionName, typeName } from '../src/http/openapi/schemas.ts';

/** What a new aggregate is, by path: files that are written, and src/app.ts as it is afterwards. */
export interface Planned {
  readonly route: string;
  readonly created: Readonly<Record<string, string>>;
  readonly app: string;
}

const form = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const nameMax = 50;

/** Throws an Error that says what is wrong with the name, or with `app`, the text of src/app.ts. */
export function planAggregate(name: string, app: string): Planned {
  if (!form.test(name) || name.length > nameMax) throw new Error(`expected a name in kebab case of at most ${nameMax} characters, such as orders-page, but got ${JSON.stringify(name)}`);
  const route = `/api/${name}`;
  if (app.includes(`'${route}'`)) throw new Error(`expected a name whose path is free, but src/app.ts has ${route} already`);
  const identifier = functionName(name);
  if (isTaken(identifier, app) || isTaken(typeName(name), app)) throw new Error(`expected a name that is not used otherwise, but ${identifier} or ${typeName(name)} means something already`);
  const created = { [`src/aggregates/${name}.ts`]: definition(name), [`test/aggregates/${name}.test.ts`]: test(name, route) };
  return { route, created, app: wired(name, route, app) };
}

/** A word of the language, or one that the files it would stand in have already. */
function isTaken(identifier: string, app: string): boolean {
  try {
    // eslint-disable-next-line no-new -- compiled, and never run
    new Script(`'use strict'; async () => { let ${identifier}; };`);
  } catch {
    return true;
  }
  return new RegExp(`\\b${identifier}\\b`).test(app + definition('x') + test('x', ''));
}

function wired(name: string, route: string, app: string): string {
  const imports = [...app.matchAll(/^import .* from '\.\/aggregates\/(.*)\.ts';\n/gm)];
  const end = /(?<=^export const resourcesOf = [^]*?\n)\}\);\n/m.exec(app);
  const [first] = imports;
  if (!first || !end) throw new Error("expected src/app.ts to import aggregates, each on one line, and `export const resourcesOf = …` to end with `});`, but it does not");
  // In the order of the alphabet, as the others.
  const before = imports.find(([, other]) => (other ?? '') > name);
  const last = imports.at(-1) ?? first;
  const at = before ? before.index : last.index + last[0].length;
  return `${app.slice(0, at)}import { ${functionName(name)} } from './aggregates/${name}.ts';\n${app.slice(at, end.index)}  '${route}': ${functionName(name)}(sources),\n${app.slice(end.index)}`;
}

const definition = (name: string): string => `import { z } from 'zod';
import { aggregate, type AnswerTo } from '../core/aggregate.ts';
import { optional } from '../core/part.ts';
import type { Sources } from '../sources/sources.ts';
import { UserId } from '../sources/user.ts';

export const ${functionName(name)} = ({ profile, activity }: Pick<Sources, 'profile' | 'activity'>) =>
  aggregate({
    name: '${name}',
    summary: 'What it shows, in a line for whoever reads the documentation',
    input: z.object({ user_id: UserId }),
    deadline: '1s',
    parts: {
      user_data: profile,
      analytics: optional(activity, { otherwise: {} }),
    },
  });

export type ${typeName(name)} = AnswerTo<ReturnType<typeof ${functionName(name)}>>;
`;

const test = (name: string, route: string): string => `import { expect, test } from 'vitest';
import { ${functionName(name)} } from '../../src/aggregates/${name}.ts';
import type { EventCounts } from '../../src/clients/analytics.ts';
import { Failure } from '../../src/core/failure.ts';
import { JsonText } from '../../src/core/json-text.ts';
import { createRoutes } from '../../src/http/routes.ts';
import type { Profile } from '../../src/sources/profile.ts';
import { edgeInMemory } from '../http/in-memory.ts';

const profile = () => Promise.resolve(new JsonText<Profile>('{"name":"Ada"}'));
const activity = () => Promise.resolve(new JsonText<EventCounts>('{"view":3}'));
const down = () => Promise.reject<JsonText<EventCounts>>(new Failure('source_failed', 'it is down'));

const ask = (sources: Parameters<typeof ${functionName(name)}>[0], query: string) =>
  createRoutes(edgeInMemory().edge, { '${route}': ${functionName(name)}(sources) }).request(\`${route}?\${query}\`);

test('all parts are in the answer', async () => {
  const reply = await ask({ profile, activity }, 'user_id=42');
  expect(await reply.json()).toEqual({ user_data: { name: 'Ada' }, analytics: { view: 3 } });
});

test('an optional part that fails is missing, and the answer says so', async () => {
  const reply = await ask({ profile, activity: down }, 'user_id=42');
  expect(await reply.json()).toEqual({ user_data: { name: 'Ada' }, analytics: {}, errors: [{ part: 'analytics', code: 'source_failed', detail: 'it is down' }] });
});

test('input that does not validate is refused', async () => {
  expect((await ask({ profile, activity }, 'user_id=no%20id')).status).toBe(400);
});
`;
