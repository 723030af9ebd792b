import type { Client, ClientBase } from 'pg';
import { failureOf } from '../core/failure.ts';
import { type Attributes, endSpan, type Span, SpanKind, startSpan, type Trace } from '../core/trace.ts';
import { sqlStateOf } from './postgres-failure.ts';
import type { Row, Statement } from './sql.ts';

/** How statements are run on any connection of one database: prepared under one name for each text, and as spans say it. */
export class Statements {
  readonly #attributes: Attributes;
  readonly #prepared = new Map<string, string>();

  constructor(url: string) {
    const { hostname, port, pathname } = new URL(url);
    this.#attributes = {
      'db.system.name': 'postgresql',
      'db.namespace': pathname.slice(1),
      'server.address': hostname,
      'server.port': Number(port) || 5432,
    };
  }

  /** Rejects with what the driver says. */
  async run(client: ClientBase, { text }: Statement, values: readonly unknown[]): Promise<readonly Row[]> {
    const { rows } = await client.query<(string | null)[]>({ name: this.#nameOf(text), text, values: [...values], rowMode: 'array' });
    return rows;
  }

  /** Does what a statement takes in a span of its own, where the request is sampled. */
  async recorded({ summary, text }: Statement, parent: Trace | undefined, work: (span?: Span) => Promise<readonly Row[]>): Promise<readonly Row[]> {
    if (!parent?.span) return work();
    const [operation = '', collection = ''] = summary.split(' ');
    const { span } = startSpan(summary, {
      kind: SpanKind.CLIENT,
      parent,
      attributes: {
        ...this.#attributes,
        'db.query.summary': summary,
        'db.query.text': text,
        'db.operation.name': operation,
        ...(collection === '' ? {} : { 'db.collection.name': collection }),
      },
    });
    try {
      const rows = await work(span);
      span.setAttribute('db.response.returned_rows', rows.length);
      endSpan(span);
      return rows;
    } catch (error) {
      const failure = failureOf(error);
      const state = sqlStateOf(failure.cause);
      if (state) span.setAttribute('db.response.status_code', state);
      endSpan(span, failure, state);
      throw error;
    }
  }

  #nameOf(text: string): string {
    let name = this.#prepared.get(text);
    if (!name) this.#prepared.set(text, (name = `tributary_${this.#prepared.size + 1}`));
    return name;
  }
}

/** Of several servers the one that is asked; its types leave out what pg knows. */
export function addressOf(client: ClientBase): Attributes {
  const { host, port } = client as ClientBase & Pick<Client, 'host' | 'port'>;
  return { 'server.address': host, 'server.port': port };
}
