import type { Call } from '../core/call.ts';
import type { JsonText } from '../core/json-text.ts';
import { createClickHouse } from './clickhouse.ts';
import { parsePostgresUrl } from './postgres-url.ts';
import { createPostgres, type JsonByKey, type PostgresOptions } from './postgres.ts';
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

/** The stores there are, by the scheme of their URL. */
const stores: Readonly<Record<string, (options: AnalyticsOptions) => Analytics>> = {
  'postgres:': analyticsInPostgres,
  'postgresql:': analyticsInPostgres,
  'clickhouse:': analyticsInClickHouse,
  'clickhouses:': analyticsInClickHouse,
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
    reviewSummaries: postgres.jsonByKey<ReviewSummary>('reviews.product_id', reviewsInPostgres.summaries),
    latestReviews: postgres.jsonByKey<readonly Review[]>('reviews.product_id', reviewsInPostgres.latest),
    tables: postgres.tables,
    warm: (call) => postgres.warm(call),
    check: (call) => postgres.check(call),
    close: () => postgres.close(),
  };
}

/**
 * Two rows for one event are two increments, where in Postgres the later one counts: a SummingMergeTree adds them up whenever
 * it likes, so that only their sum is the same before and after.
 */
function analyticsInClickHouse(options: AnalyticsOptions): Analytics {
  const clickHouse = createClickHouse(options);
  const eventCounts = clickHouse.jsonByKey<EventCounts>(
    'analytics.user_id',
    `select toString(user_id), concat('{', arrayStringConcat(groupArray(concat(toJSONString(toString(event_type)), ':', ifNull(toJSONString(n), 'null'))), ','), '}')
       from (select user_id, event_type, sum(count) as n from analytics where user_id in {keys} and event_type is not null group by user_id, event_type)
      group by user_id`,
  );
  return {
    eventCounts,
    tagsOf: eventCounts.tagsOf,
    reviewSummaries: clickHouse.jsonByKey<ReviewSummary>('reviews.product_id', reviewsInClickHouse.summaries),
    latestReviews: clickHouse.jsonByKey<readonly Review[]>('reviews.product_id', reviewsInClickHouse.latest),
    tables: clickHouse.tables,
    warm: (call) => clickHouse.warm(call),
    check: (call) => clickHouse.check(call),
    close: () => clickHouse.close(),
  };
}
