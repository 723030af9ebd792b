import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readConfig, redacted } from '../../src/config.ts';

const needed = { DATABASE_URL: 'postgres://app@db:5432/app', RECOMMENDATIONS_URL: 'http://recommender:8000' };

/** All that people get to see of a configuration, or of what is wrong with it. */
function seen(environment: Readonly<Record<string, string>>): string {
  try {
    return JSON.stringify(redacted(readConfig({ ...needed, ...environment })));
  } catch (error) {
    return String(error);
  }
}

test('passwords in URLs are left out, and the rest is shown', () => {
  const config = redacted(readConfig({ ...needed, DATABASE_URL: 'postgres://app:hunter2@db:5432/app?sslmode=require', RECOMMENDATIONS_URL: 'http://r:hunter2@recommender/v1,https://r:hunter2@other' }));
  expect(config).toMatchObject({
    databaseUrl: 'postgres://app:***@db:5432/app?sslmode=***',
    analyticsUrl: 'postgres://app:***@db:5432/app?sslmode=***',
    recommendationsUrl: ['http://r:***@recommender/v1', 'https://r:***@other/'],
    port: 8080,
    sampling: { ratio: 1, trustParent: false },
  });
});

test('of several servers of Postgres all are shown, and what they have in common once', () => {
  const { databaseUrl } = redacted(readConfig({ ...needed, DATABASE_URL: 'postgres://app:hunter2@a:5433,[::1],c/app?target_session_attrs=any&password=hunter2' }));
  expect(databaseUrl).toBe('postgres://app:***@a:5433,[::1],c/app?target_session_attrs=***&password=***');
});

test('a URL without a password is shown as it is', () => {
  expect(redacted(readConfig(needed))).toMatchObject({ databaseUrl: 'postgres://app@db:5432/app' });
});

const secret = 'hunter2';

test.each([
  'redis://:hunter2@r:6379/1', 'rediss://u:hunter2@r', 'redis+cluster://u:hunter2@a:1,b:2', 'redis+sentinel://u:hunter2@a:1,b:2/main', 'redis://u:hunter2@a@b:1', 'rediss+nonsense://:hunter2@r',
  'redis://:hunter2@r:port',
])('no password of %s is shown', (text) => {
  expect(seen({ REDIS_URL: text })).not.toContain(secret);
});

test.each([
  ['with a password', 'postgres://app:hunter2@db/app'],
  ['with a password in the query', 'postgres://app@db/app?password=hunter2&sslmode=require'],
  ['with two of them', 'postgres://app@db/app?password=hunter2&password=hunter2'],
  ['of another scheme', 'mysql://app:hunter2@db/app'],
  ['that is none', 'postgres://app:hunter2@'],
  ['with a space in it', 'postgres ://app:hunter2@db/app'],
  ['without a scheme', 'app:hunter2@db:5432/app'],
  ['without slashes', 'postgres:app:hunter2@db:5432/app'],
  ['without a scheme, but with one in its query', 'app:hunter2@db:5432/app?proxy=http://proxy'],
  ['with one slash', 'postgres:/app:hunter2@db:5432/app'],
  ['with a , in the password', 'http://app:1,hunter2@db/app'],
  ['with a , behind the password', 'http://app:hunter2,1@db/app'],
  ['with a , before what looks like a port', 'http://app:8080,hunter2@db/app'],
  ['with a # in the password', 'postgres://app:1#hunter2@db:5432/app'],
  ['with a / in the password', 'postgres://app:1/hunter2@db:5432/app'],
  ['with a ? in the password', 'postgres://app:1?hunter2@db:5432/app'],
  ['of several servers', 'postgres://app:hunter2@a,b:5433/app?password=hunter2'],
  ['of several servers, one without a name', 'postgres://app:hunter2@a,,b/app'],
  ['with a / in the password of several servers', 'postgres://app:1/hunter2@a,b/app'],
  ['with an @ in the password of several servers', 'postgres://app:1,@hunter2@a,b:x/app'],
  ['with the password alone', 'postgres://:hunter2@db/app'],
])('a URL %s gives nobody its password', (_, text) => {
  for (const name of ['DATABASE_URL', 'ANALYTICS_URL', 'RECOMMENDATIONS_URL', 'SENTIMENT_URL']) expect(seen({ [name]: text }), name).not.toContain(secret);
});

test('whatever the password, nobody sees it', () => {
  const passwords = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 20 }).map((text) => encodeURIComponent(`${text}Zq7`));
  fc.assert(fc.property(passwords, fc.constantFrom('postgres', 'http', 'redis'), (password, scheme) => {
    for (const name of ['DATABASE_URL', 'RECOMMENDATIONS_URL', 'SENTIMENT_URL']) {
      expect(seen({ [name]: `${scheme}://app:${password}@host/path` })).not.toContain('Zq7');
    }
  }));
});
