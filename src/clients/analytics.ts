import type { Call } from '../core/call.ts';
import type { JsonText } from '../core/json-text.ts';
import { createClickHouse } from './clickhouse.ts';
import type { JsonByKey } from './json-by-key.ts';
import { parsePostgresUrl } from './postgres-url.ts';
import { createPostgres, type Postgres, type PostgresOptions } from './postgres.ts';
import { type Review, reviewsInClickHouse, reviewsInPostgres, type ReviewSummary } from './reviews.ts';

/** How often a user did what: `{ "view": 12 }`. */
export type EventCounts = Readonly<Record<string, number>>;

/** The analytics store, by the questions it answers: another store is another maker of this. */
export interface Analytics {
  /** The counts of many users by their id. Who has none is left out. */
  eventCounts(userIds: readonly string[], call: Call): Promise<ReadonlyMap<string, JsonText<EventCounts>>>;
  /** What a user's counts are invalidated by; undefined as long as that is not known. */
  tagsOf(userId: string): readonly string[] | undefined;
  /** How products are rated, by their id; who has no reviews is left out. */
  readonly reviewSummaries: JsonByKey<ReviewSummary>;
  /** Their newest three reviews. */
  readonly latestReviews: JsonByKey<readonly Review[]>;
  /** What tags begin with. */
  readonly tables: readonly string[];
  /** Connects, ahead of the first question. */
  warm(call: Call): Promise<void>;
  check(call: Call): Promise<void>;
  close(): Promise<void>;
}

type AnalyticsOptions = PostgresOptions;

const inPostgres = (options: AnalyticsOptions): Analytics => analyticsIn(createPostgres(options), countsInPostgres, reviewsInPostgres);
const inClickHouse = (options: AnalyticsOptions): Analytics => analyticsIn(createClickHouse(options), countsInClickHouse, reviewsInClickHouse);

/** The stores there are, by the scheme of their URL. */
const stores: Readonly<Record<string, (options: AnalyticsOptions) => Analytics>> = {
  'postgres:': inPostgres,
  'postgresql:': inPostgres,
  'clickhouse:': inClickHouse,
  'clickhouses:': inClickHouse,
};

/** Throws a TypeError that says what was expected where it is no URL of a store that there is. */
export function parseAnalyticsUrl(text: string): void {
  if (tellsOfChanges(text)) parsePostgresUrl(text);
  else if (!/^clickhouses?:\/\//.test(text) || !URL.canParse(text)) throw new TypeError(`expected a URL that starts with ${Object.keys(stores).map((scheme) => `${scheme}//`).join(' or ')}`);
}

/** Whether a database can tell of its changes, by `LISTEN` and triggers. */
export const tellsOfChanges = (url: string): boolean => url.startsWith('postgres');

export function createAnalytics(options: AnalyticsOptions): Analytics {
  // By hand, since the URL of a store may name several servers, which is nothing that `URL` can read.
  const [protocol = ''] = /^[a-z+]+:/.exec(options.url) ?? [];
  const create = stores[protocol];
  if (!create) throw new TypeError(`expected an analytics URL with one of ${Object.keys(stores).join(', ')}, but got: ${protocol}`);
  return create(options);
}

// jsonb and not json: where a user has two rows of one type, json would repeat the member.
const countsInPostgres = `select user_id::text, jsonb_object_agg(event_type, count)::text
       from analytics where user_id = any($1) and event_type is not null group by user_id`;

/**
 * Two rows for one event are two increments, where in Postgres the later one counts: a SummingMergeTree adds them up whenever
 * it likes, so that only their sum is the same before and after.
 */
const countsInClickHouse = `select toString(user_id), concat('{', arrayStringConcat(groupArray(concat(toJSONString(toString(event_type)), ':', ifNull(toJSONString(n), 'null'))), ','), '}')
       from (select user_id, event_type, sum(count) as n from analytics where user_id in {keys} and event_type is not null group by user_id, event_type)
      group by user_id`;

/** What both kinds of stores are: questions by key, each in the store's own words. */
type KeyedStore = Pick<Postgres, 'jsonByKey' | 'tables' | 'warm' | 'check' | 'close'>;

function analyticsIn(store: KeyedStore, counts: string, reviews: typeof reviewsInPostgres): Analytics {
  const eventCounts = store.jsonByKey<EventCounts>('analytics.user_id', counts);
  return {
    eventCounts,
    tagsOf: eventCounts.tagsOf,
    reviewSummaries: store.jsonByKey<ReviewSummary>('reviews.product_id', reviews.summaries),
    latestReviews: store.jsonByKey<readonly Review[]>('reviews.product_id', reviews.latest),
    tables: store.tables,
    warm: (call) => store.warm(call),
    check: (call) => store.check(call),
    close: () => store.close(),
  };
}
