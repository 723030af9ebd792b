import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { callerFrom } from '../../../src/http/auth/caller.ts';

test.each<[string, Record<string, unknown>, readonly string[]]>([
  ['scope, between spaces', { scope: 'openid  aggregates:read:any' }, ['openid', 'aggregates:read:any']],
  ['scp, a list', { scp: ['openid', 'profile'] }, ['openid', 'profile']],
  ['scp, a text', { scp: 'openid profile' }, ['openid', 'profile']],
  ['neither', {}, []],
  ['none that are texts', { scope: 1, scp: [true, null, { aggregates: 1 }] }, []],
])('scopes are those of %s', (_, claims, scopes) => {
  expect(callerFrom('1', claims, 'roles')).toEqual({ subject: '1', scopes, roles: [], readsAny: scopes.includes('aggregates:read:any') });
});

test.each<[string, string, Record<string, unknown>, readonly string[]]>([
  ['a claim', 'roles', { roles: ['admin', 'cook'] }, ['admin', 'cook']],
  ['a claim that is a text: one role, whatever it looks like', 'roles', { roles: 'no admin' }, ['no admin']],
  ['a path', 'realm_access.roles', { realm_access: { roles: ['admin'] } }, ['admin']],
  ['a claim with dots in its name', 'https://shop.example/roles', { 'https://shop.example/roles': ['admin'] }, ['admin']],
  ['a path that leads nowhere', 'realm_access.roles', { realm_access: 'roles' }, []],
  ['a path into what all objects have', 'constructor.name', {}, []],
  ['a path into a prototype', '__proto__.roles', {}, []],
  ['what is no text', 'roles', { roles: [['admin'], { name: 'admin' }, 1] }, []],
])('roles are those of %s', (_, claim, claims, roles) => {
  expect(callerFrom('1', claims, claim).roles).toEqual(roles);
});

test('nobody reads any without the scope or the role, whatever else their token says', () => {
  fc.assert(fc.property(fc.object({ withNullPrototype: true }), fc.string(), (claims, rolesClaim) => {
    const { scopes, roles, readsAny } = callerFrom('1', claims, rolesClaim);
    expect(readsAny).toBe(scopes.includes('aggregates:read:any') || roles.includes('admin'));
    for (const one of [...scopes, ...roles]) expect(one).toBeTypeOf('string');
  }));
});
