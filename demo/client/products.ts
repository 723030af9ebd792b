import type { hc } from 'hono/client';
import type { Api } from '../../src/app.ts';
import type { Problem } from '../../src/http/client-types.ts';

type Client = ReturnType<typeof hc<Api>>;

/** A product from its beginning to its end: added, listed, changed, changed by somebody who had not seen that, taken away. */
export async function productsOf(client: Client, tell: (problem: Problem) => void): Promise<void> {
  const { products } = client.api.v1;
  console.log('\nA product is added, changed and taken away');
  const added = await products.$post({ json: { name: 'Moka pot', price: 24.9, stock: 7, category: 'kitchen' }, header: { 'idempotency-key': crypto.randomUUID() } });
  if (added.status !== 201) return tell(await added.json());
  const { id, name } = await added.json();
  const etag = added.headers.get('etag') ?? '';
  console.log(`  added: ${name} at ${added.headers.get('location')}`);

  const listed = await products.$get({ query: { category: 'kitchen', limit: '1' } });
  if (listed.status === 200) console.log(`  listed, the newest first: ${(await listed.json()).map((each) => each.name).join(', ')}`);

  const changed = await products[':id'].$patch({ param: { id }, json: { price: 19.9 }, header: { 'if-match': etag } });
  if (changed.status === 200) console.log(`  changed: it costs ${(await changed.json()).price}`);

  const unseen = await products[':id'].$patch({ param: { id }, json: { price: 1 }, header: { 'if-match': etag } });
  if (!unseen.ok) tell(await unseen.json());

  const removed = await products[':id'].$delete({ param: { id } });
  console.log(`  taken away: ${removed.status}`);
}
