-- The products of /api/v1/products, as docs/products.md describes them.
create table products (
  id uuid primary key,
  name text not null check (char_length(name) between 1 and 100),
  description text check (char_length(description) <= 500),
  price numeric(9, 2) not null check (price > 0 and price <= 1000000),
  stock integer not null check (stock >= 0),
  category text not null check (char_length(category) between 1 and 100),
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);

-- The order of lists, of all products and of a category's; read backwards, since the newest come first.
create index products_newest on products (created_at, id);
create index products_of_category on products (category, created_at, id);
-- Few products of many: a narrow range of prices.
create index products_price on products (price);
create index products_of_category_price on products (category, price);

-- What was answered to requests with an Idempotency-Key: written together with what they did, and kept for a day.
create table idempotency_keys (
  subject text not null,
  key text not null,
  request text not null,
  status smallint not null,
  headers jsonb not null,
  body text,
  created_at timestamptz not null default clock_timestamp(),
  primary key (subject, key)
);

-- For those that sweep what is over.
create index idempotency_keys_age on idempotency_keys (created_at);
