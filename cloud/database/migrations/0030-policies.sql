-- What an organisation allows its people, and how much. Reference tables, as organisations are.
create table policies (
  organisation_id uuid primary key references organisations on delete cascade,
  -- Null: every model of this cloud.
  models text[],
  -- What people wrote goes to models from their devices alone, which mask it first: no prompt is made here from history.
  masking_required boolean not null default false
);

create table budgets (
  organisation_id uuid not null references organisations on delete cascade,
  -- Of all together, of each person who has none of their own, or of one person.
  whose text not null check (whose in ('organisation', 'each-person', 'person')),
  user_id uuid references users on delete cascade,
  -- Read and written, in a month of UTC.
  tokens_a_month bigint not null check (tokens_a_month >= 0),
  check ((whose = 'person') = (user_id is not null)),
  unique nulls not distinct (organisation_id, whose, user_id)
);
create index budgets_user on budgets (user_id) where user_id is not null;

grant select, insert, update, delete on policies, budgets to fusion_app;
