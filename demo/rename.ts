// Changes a row as a program would that knows nothing of any cache: npm run demo:rename -- postgres://… 42 'Ada Lovelace'
import { Client } from 'pg';
import { reasonOf } from '../src/core/told.ts';

const [url = '', id = '', name = ''] = process.argv.slice(2);
if (!url.startsWith('postgres') || !/^\d+$/.test(id) || name === '') {
  console.error("expected the URL of the database, a user's id and a name, but got something else");
  process.exit(1);
}
const client = new Client({ connectionString: url });
try {
  await client.connect();
} catch (error) {
  console.error(`expected the database to be there, but got: ${reasonOf(error)}`);
  process.exit(1);
}
try {
  const { rowCount } = await client.query("update users set data = data || jsonb_build_object('name', $2::text) where id = $1", [id, name]);
  if (rowCount === 1) {
    console.log(`user ${id} is called ${name} now`);
  } else {
    console.error(`there is no user ${id}`);
    process.exitCode = 1;
  }
} finally {
  await client.end();
}
