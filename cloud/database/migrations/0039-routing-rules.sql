-- How the model of a request is chosen that leaves it open. A reference table, as organisations are.
create table routing_rules (
  organisation_id uuid primary key references organisations on delete cascade,
  -- The most that a million tokens may cost, read or written, in the operator's currency; null: any price.
  dearest double precision check (dearest >= 0),
  -- The first is liked best.
  preferred text[] not null
);

grant select, insert, update, delete on routing_rules to fusion_app;
