/** What the reviews of a product come to. */
export interface ReviewSummary {
  readonly count: number;
  /** To one decimal; null where there are none. */
  readonly average: number | null;
  /** How many gave 1, 2, 3, 4 and 5. */
  readonly histogram: Readonly<Record<string, number>>;
}

export interface Review {
  readonly id: number;
  readonly rating: number;
  readonly text: string;
  readonly created_at: string;
}

/** Questions about the table `reviews (id, product_id, rating, text, created_at)`, each for many products: see `jsonByKey`. */
interface Statements {
  readonly summaries: string;
  /** The newest three. */
  readonly latest: string;
}

const ratings = [1, 2, 3, 4, 5];

export const reviewsInPostgres: Statements = {
  summaries: `select product_id::text, jsonb_build_object('count', count(*), 'average', round(avg(rating), 1), 'histogram', jsonb_build_object(${
    ratings.map((rating) => `'${rating}', count(*) filter (where rating = ${rating})`).join(', ')}))::text
     from reviews where product_id = any($1) group by product_id`,
  // From the index (product_id, created_at), three rows a product however many there are.
  latest: `select r.product_id::text, jsonb_agg(jsonb_build_object('id', r.id, 'rating', r.rating, 'text', r.text,
       'created_at', to_char(r.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) order by r.created_at desc, r.id desc)::text
     from unnest($1::uuid[]) as asked (id)
     cross join lateral (select * from reviews where product_id = asked.id order by created_at desc, id desc limit 3) as r
     group by r.product_id`,
};

const histogramInClickHouse = ratings.map((rating) => `'"${rating}":', toString(countIf(rating = ${rating}))`).join(`, ',', `);

/** Half up, as Postgres rounds: `round` of a float rounds half to even here, so that 4.25 would be 4.2. */
const averageInClickHouse = 'toString(floor(10 * sum(rating) / count() + 0.5) / 10)';

export const reviewsInClickHouse: Statements = {
  summaries: `select toString(product_id), concat('{"count":', toString(count()), ',"average":', ${averageInClickHouse}, ',"histogram":{', ${histogramInClickHouse}, '}}')
     from reviews where product_id in {keys} group by product_id`,
  latest: `select toString(product_id), concat('[', arrayStringConcat(arrayMap(one -> one.3, arraySlice(arrayReverseSort(groupArray((created_at, id,
       concat('{"id":', toString(id), ',"rating":', toString(rating), ',"text":', toJSONString(text), ',"created_at":"', formatDateTime(created_at, '%Y-%m-%dT%H:%i:%SZ', 'UTC'), '"}')))), 1, 3)), ','), ']')
     from (select * from reviews where product_id in {keys} order by created_at desc, id desc limit 3 by product_id) group by product_id`,
};
