import type { Call } from '../core/call.ts';
import type { JsonText } from '../core/json-text.ts';
import { createPostgres, type PostgresOptions } from './postgres.ts';

/** How often a user did what: `{ "view": 12 }`. */
export type EventCounts = Readonly<Record<string, number>>;

/** The analytics store, by the questions it answers: another store is another maker of this. */
export interface Analytics {
  /** The counts of many users by their id. Who has none is left out. */
  eventCounts(userIds: readonly string[], call: Call): Promise<ReadonlyMap<string, JsonText<EventCounts>>>;
  /** What a user's counts are invalidated by; undefined as long as that is not known. */
  tagsOf(userId: string): readonly string[] | undefined;
  /** What tags begin with. */
  readonly tables: readonly string[];
  /** Connects, ahead of the first question. */
  warm(call: Call): Promise<void>;
  check(call: Call): Promise<void>;
  close(): Promise<void>;
}

type AnalyticsOptions = PostgresOptions;

/** The stores there are, by the scheme of their URL. */
const stores: Readonly<Record<string, (options: AnalyticsOptions) => Analytics>> = {
  'postgres:': analyticsInPostgres,
  'postgresql:': analyticsInPostgres,
};

export function createAnalytics(options: AnalyticsOptions): Analytics {
  // By hand, since the URL of a store may name several servers, which is nothing that `URL` can read.
  const [protocol = ''] = /^[a-z+]+:/.exec(options.url) ?? [];
  const create = stores[protocol];
  if (!create) throw new TypeError(`expected an analytics URL with one of ${Object.keys(stores).join(', ')}, but got: ${protocol}`);
  return create(options);
}

function analyticsInPostgres(options: AnalyticsOptions): Analytics {
  const postgres = createPostgres(options);
  // jsonb and not json: where a user has two rows of one type, json would repeat the member.
  const eventCounts = postgres.jsonByKey<EventCounts>(
    'analytics.user_id',
    `select user_id::text, jsonb_object_agg(event_type, count)::text
       from analytics where user_id = any($1) and event_type is not null group by user_id`,
  );
  return {
    eventCounts,
    tagsOf: eventCounts.tagsOf,
    tables: postgres.tables,
    warm: (call) => postgres.warm(call),
    check: (call) => postgres.check(call),
    close: () => postgres.close(),
  };
}
