// usage: DATABASE_URL=postgres://… node demo/seed/main.ts
// Fills any database with the rows of the demo: one in a cluster, say. It never touches tables it did not make.
import { seed } from '../seed.ts';

const url = process.env['DATABASE_URL'];
if (url === undefined) throw new Error('expected DATABASE_URL to say which database to fill, but it is not set');
console.log((await seed(url)) ? 'seeded' : 'already seeded');
