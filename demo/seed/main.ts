// usage: DATABASE_URL=postgres://… node demo/seed/main.ts
// Fills any database with the rows of the demo: one in a cluster, say. It never touches tables it did not make.
import { reasonOf } from '../../src/core/told.ts';
import { seed } from '../seed.ts';

const url = process.env['DATABASE_URL'] ?? '';
if (!/^postgres(?:ql)?:\/\//.test(url)) {
  console.error('expected DATABASE_URL to be the postgres:// URL of the database to fill');
  process.exit(1);
}
try {
  console.log((await seed(url)) ? 'seeded' : 'already seeded');
} catch (error) {
  console.error(`expected the database to be there and to take the rows, but got: ${reasonOf(error)}`);
  process.exitCode = 1;
}
