/**
 * The tables, children last. `users`, `analytics` and `reviews` are what the gateway reads; the rest is where they come from. What the shop has
 * sold are its `goods`; `products` is the table of the API, which migrations make and anybody may change.
 */
export const TABLES = ['seed_version', 'analytics', 'reviews', 'events', 'order_items', 'orders', 'goods', 'users'] as const;

export const CREATE = `
  create table users (
    id integer primary key,
    data jsonb not null
  );
  create table goods (
    id integer primary key,
    slug text not null unique,
    name text not null,
    category text not null,
    price_cents integer not null
  );
  create table orders (
    id integer primary key,
    user_id integer not null,
    ordered_at timestamptz not null,
    status text not null
  );
  create table order_items (
    order_id integer not null,
    product_id integer not null,
    quantity integer not null,
    price_cents integer not null,
    primary key (order_id, product_id)
  );
  create table events (
    id integer primary key,
    user_id integer not null,
    event_type text not null,
    product_id integer,
    occurred_at timestamptz not null
  );
  create table analytics (
    user_id integer,
    event_type text,
    count integer not null,
    primary key (user_id, event_type)
  );
  create table reviews (
    id integer primary key,
    product_id uuid not null,
    rating smallint not null check (rating between 1 and 5),
    text text not null,
    created_at timestamptz not null
  );
  create table seed_version (version integer not null);
`;

// Once the rows are in: building an index, or checking a key, for all rows at once is several times faster.
export const CONNECT = `
  alter table orders add foreign key (user_id) references users;
  alter table order_items add foreign key (order_id) references orders, add foreign key (product_id) references goods;
  alter table events add foreign key (user_id) references users, add foreign key (product_id) references goods;
  create index on orders (user_id);
  create index on order_items (product_id);
  create index on reviews (product_id, created_at desc, id desc);
  create index on events (user_id, event_type);
`;
