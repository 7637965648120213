table api_keys
  id uuid not null
  user_id uuid not null
  name text not null
  secret_hash bytea not null
  scopes text[] not null
  replaces uuid
  created_at timestamp with time zone not null
  expires_at timestamp with time zone
  revoked_at timestamp with time zone
  last_used_at timestamp with time zone
  api_keys_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100)))
  api_keys_pkey PRIMARY KEY (id)
  api_keys_scopes_check CHECK ((cardinality(scopes) > 0))
  api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
CREATE INDEX api_keys_user ON public.api_keys USING btree (user_id, id)
grant insert, select, update to fusion_app

table attachments
  user_id uuid not null
  hash bytea not null
  size bigint not null
  created_at timestamp with time zone not null
  stored_at timestamp with time zone
  attachments_hash_check CHECK ((octet_length(hash) = 32))
  attachments_pkey PRIMARY KEY (user_id, hash)
  attachments_size_check CHECK ((size >= 0))
  attachments_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
row level security, forced
policy attachments_own for * to  using (user_id = fusion_user()) with check (user_id = fusion_user())
grant delete, insert, select, update to fusion_app

table audit_events
  organisation_id uuid not null
  seq bigint not null
  at timestamp with time zone not null
  event text not null
  actor_id uuid
  subject_id uuid
  address text
  detail jsonb not null
  hash bytea not null
  audit_events_pkey PRIMARY KEY (organisation_id, seq)
grant insert, select to fusion_app

table audit_heads
  organisation_id uuid not null
  seq bigint not null
  hash bytea not null
  audit_heads_pkey PRIMARY KEY (organisation_id)
grant insert, select, update to fusion_app

table authorization_codes
  hash bytea not null
  user_id uuid not null
  client_id text not null
  redirect_uri text not null
  code_challenge text not null
  device_name text not null
  expires_at timestamp with time zone not null
  used_at timestamp with time zone
  session_id uuid
  authorization_codes_pkey PRIMARY KEY (hash)
  authorization_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
CREATE INDEX authorization_codes_expiry ON public.authorization_codes USING btree (expires_at)
grant delete, insert, select, update to fusion_app

table budgets
  organisation_id uuid not null
  whose text not null
  user_id uuid
  tokens_a_month bigint
  api_key_id uuid
  model text
  tokens_a_minute bigint
  money_a_month bigint
  budgets_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys(id) ON DELETE CASCADE
  budgets_check CHECK (((whose = 'person'::text) = (user_id IS NOT NULL)))
  budgets_check1 CHECK (((whose = 'key'::text) = (api_key_id IS NOT NULL)))
  budgets_check2 CHECK (((whose = 'model'::text) = (model IS NOT NULL)))
  budgets_check3 CHECK ((COALESCE(tokens_a_month, tokens_a_minute, money_a_month) IS NOT NULL))
  budgets_money_a_month_check CHECK ((money_a_month >= 0))
  budgets_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE
  budgets_organisation_id_whose_user_id_api_key_id_model_key UNIQUE NULLS NOT DISTINCT (organisation_id, whose, user_id, api_key_id, model)
  budgets_tokens_a_minute_check CHECK ((tokens_a_minute > 0))
  budgets_tokens_a_month_check CHECK ((tokens_a_month >= 0))
  budgets_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
  budgets_whose_check CHECK ((whose = ANY (ARRAY['organisation'::text, 'each-person'::text, 'person'::text, 'each-key'::text, 'key'::text, 'model'::text])))
CREATE INDEX budgets_api_key ON public.budgets USING btree (api_key_id) WHERE (api_key_id IS NOT NULL)
CREATE INDEX budgets_user ON public.budgets USING btree (user_id) WHERE (user_id IS NOT NULL)
CREATE UNIQUE INDEX budgets_organisation_id_whose_user_id_api_key_id_model_key ON public.budgets USING btree (organisation_id, whose, user_id, api_key_id, model) NULLS NOT DISTINCT
grant delete, insert, select, update to fusion_app

table clients
  user_id uuid not null
  id uuid not null
  last bigint not null default 0
  chain text not null default ''::text
  refused json not null default '[]'::json
  retired boolean not null default false
  clients_pkey PRIMARY KEY (user_id, id)
  clients_user_id_fkey FOREIGN KEY (user_id) REFERENCES spaces(user_id) ON DELETE CASCADE
row level security, forced
policy own for * to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())
grant delete, insert, select, update to fusion_app

table conversations
  user_id uuid not null
  id uuid not null
  v bigint not null
  title text
  title_v bigint not null default 0
  pinned boolean not null default false
  pinned_v bigint not null default 0
  folder_id uuid
  folder_v bigint not null default 0
  head_id uuid
  head_v bigint not null default 0
  model_id text
  model_v bigint not null default 0
  system_prompt text
  system_prompt_v bigint not null default 0
  sampling json not null default '{}'::json
  sampling_v bigint not null default 0
  keep_state boolean not null default true
  keep_state_v bigint not null default 0
  life text not null default 'live'::text
  life_v bigint not null default 0
  life_back boolean not null default false
  privacy text not null default 'auto'::text
  privacy_v bigint not null default 0
  gone text
  seen bigint not null default 0
  created_at timestamp with time zone not null default now()
  updated_at timestamp with time zone not null default now()
  conversations_gone_check CHECK ((gone = ANY (ARRAY['purged'::text, 'barred'::text])))
  conversations_life_check CHECK ((life = ANY (ARRAY['live'::text, 'trash'::text])))
  conversations_model_id_check CHECK ((char_length(model_id) <= 200))
  conversations_pkey PRIMARY KEY (user_id, id)
  conversations_privacy_check CHECK ((privacy = ANY (ARRAY['auto'::text, 'ask'::text])))
  conversations_system_prompt_check CHECK ((char_length(system_prompt) <= 100000))
  conversations_title_check CHECK (((char_length(title) >= 1) AND (char_length(title) <= 200)))
  conversations_user_id_fkey FOREIGN KEY (user_id) REFERENCES spaces(user_id) ON DELETE CASCADE
  gone_is_empty CHECK (((gone IS NULL) OR ((title IS NULL) AND (folder_id IS NULL) AND (head_id IS NULL) AND (model_id IS NULL) AND (system_prompt IS NULL) AND ((sampling)::text = '{}'::text))))
CREATE INDEX conversations_log ON public.conversations USING btree (user_id, v, id)
CREATE INDEX conversations_newest ON public.conversations USING btree (user_id, updated_at DESC, id DESC) WHERE (gone IS NULL)
row level security, forced
policy own for * to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())
grant delete, insert, select, update to fusion_app

table device_codes
  hash bytea not null
  user_code text not null
  client_id text not null
  device_name text not null
  interval_seconds integer not null
  polled_at timestamp with time zone
  expires_at timestamp with time zone not null
  user_id uuid
  refused_at timestamp with time zone
  used_at timestamp with time zone
  device_codes_pkey PRIMARY KEY (hash)
  device_codes_user_code_key UNIQUE (user_code)
  device_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
CREATE INDEX device_codes_expiry ON public.device_codes USING btree (expires_at)
CREATE UNIQUE INDEX device_codes_user_code_key ON public.device_codes USING btree (user_code)
grant delete, insert, select, update to fusion_app

table generation_events
  user_id uuid not null
  generation_id uuid not null
  first_seq integer not null
  last_seq integer not null
  events jsonb not null
  generation_events_pkey PRIMARY KEY (user_id, generation_id, first_seq)
  generation_events_user_id_generation_id_fkey FOREIGN KEY (user_id, generation_id) REFERENCES generations(user_id, id) ON DELETE CASCADE
row level security, forced
policy own for * to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())
policy tended for * to fusion_owner using true
grant insert, select to fusion_app

table generations
  user_id uuid not null
  id uuid not null
  conversation_id uuid not null
  parent_id uuid
  question_id uuid not null
  request_hash bytea not null
  model text not null
  status text not null default 'running'::text
  seq integer not null default 0
  cancel_requested boolean not null default false
  lease_until timestamp with time zone not null
  created_at timestamp with time zone not null default now()
  answer_due boolean not null default false
  owner uuid
  generations_pkey PRIMARY KEY (user_id, id)
  generations_status_check CHECK ((status = ANY (ARRAY['running'::text, 'complete'::text, 'stopped'::text, 'failed'::text])))
CREATE INDEX generations_created ON public.generations USING btree (created_at)
CREATE INDEX generations_due ON public.generations USING btree (created_at) WHERE answer_due
CREATE INDEX generations_running ON public.generations USING btree (lease_until) WHERE (status = 'running'::text)
row level security, forced
policy own for * to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())
policy tended for * to fusion_owner using true
grant insert, select, update to fusion_app

table idempotency_keys
  user_id uuid not null
  key text not null
  request_hash bytea not null
  status smallint
  answer bytea
  lease_until timestamp with time zone not null
  created_at timestamp with time zone not null default now()
  idempotency_keys_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 200)))
  idempotency_keys_pkey PRIMARY KEY (user_id, key)
  idempotency_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
CREATE INDEX idempotency_keys_created ON public.idempotency_keys USING btree (created_at)
row level security, forced
policy own for * to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())
policy tended for * to fusion_owner using true
grant delete, insert, select, update to fusion_app

table identities
  issuer text not null
  subject text not null
  user_id uuid not null
  created_at timestamp with time zone not null
  last_used_at timestamp with time zone not null
  identities_issuer_check CHECK ((char_length(issuer) <= 2000))
  identities_pkey PRIMARY KEY (issuer, subject)
  identities_subject_check CHECK ((char_length(subject) <= 255))
  identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
CREATE INDEX identities_user ON public.identities USING btree (user_id)
grant delete, insert, select, update to fusion_app

table invitations
  id uuid not null
  hash bytea not null
  organisation_id uuid
  role text not null
  email text
  invited_by uuid
  created_at timestamp with time zone not null
  expires_at timestamp with time zone not null
  used_at timestamp with time zone
  used_by uuid
  invitations_email_check CHECK (((char_length(email) >= 3) AND (char_length(email) <= 320)))
  invitations_hash_key UNIQUE (hash)
  invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES users(id) ON DELETE SET NULL
  invitations_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id)
  invitations_pkey PRIMARY KEY (id)
  invitations_role_check CHECK ((role = ANY (ARRAY['member'::text, 'admin'::text, 'auditor'::text])))
  invitations_used_by_fkey FOREIGN KEY (used_by) REFERENCES users(id) ON DELETE SET NULL
CREATE INDEX invitations_organisation ON public.invitations USING btree (organisation_id, id)
CREATE UNIQUE INDEX invitations_hash_key ON public.invitations USING btree (hash)
grant delete, insert, select, update to fusion_app

table message_words
  user_id uuid not null
  message_id uuid not null
  piece integer not null
  v bigint not null
  words tsvector not null
  message_words_pkey PRIMARY KEY (user_id, message_id, piece)
  message_words_user_id_message_id_fkey FOREIGN KEY (user_id, message_id) REFERENCES messages(user_id, id) ON DELETE CASCADE
CREATE INDEX message_words_words ON public.message_words USING gin (words)
row level security, forced
policy own for * to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())
policy searched for * to fusion_owner using true
grant delete, insert, select, update to fusion_app

table messages
  user_id uuid not null
  id uuid not null
  conversation_id uuid not null
  parent_id uuid
  role text not null
  status text not null
  body json not null
  created_at timestamp with time zone not null
  v bigint not null
  generation_id uuid
  client_id uuid
  messages_pkey PRIMARY KEY (user_id, id)
  messages_role_check CHECK ((role = ANY (ARRAY['user'::text, 'assistant'::text])))
  messages_status_check CHECK ((status = ANY (ARRAY['complete'::text, 'stopped'::text, 'failed'::text])))
  messages_user_id_conversation_id_fkey FOREIGN KEY (user_id, conversation_id) REFERENCES conversations(user_id, id) ON DELETE CASCADE
CREATE INDEX messages_generation ON public.messages USING btree (user_id, generation_id) WHERE (generation_id IS NOT NULL)
CREATE INDEX messages_log ON public.messages USING btree (user_id, v, id)
CREATE INDEX messages_newest ON public.messages USING btree (user_id, conversation_id, v DESC, id DESC)
row level security, forced
policy own for * to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())
grant delete, insert, select, update to fusion_app

table organisations
  id uuid not null
  name text not null
  system_prompt text
  created_at timestamp with time zone not null default now()
  organisations_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200)))
  organisations_pkey PRIMARY KEY (id)
  organisations_system_prompt_check CHECK ((char_length(system_prompt) <= 100000))
grant insert, select, update to fusion_app

table policies
  organisation_id uuid not null
  models text[]
  masking_required boolean not null default false
  policies_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE
  policies_pkey PRIMARY KEY (organisation_id)
grant delete, insert, select, update to fusion_app

table prices
  version integer not null
  model text not null
  prompt double precision not null
  completion double precision not null
  since timestamp with time zone not null default now()
  prices_completion_check CHECK ((completion >= (0)::double precision))
  prices_pkey PRIMARY KEY (version)
  prices_prompt_check CHECK ((prompt >= (0)::double precision))
CREATE INDEX prices_model ON public.prices USING btree (model, version DESC)
grant insert, select to fusion_app

table provider_sign_ins
  state_hash bytea not null
  browser_hash bytea not null
  return_query text not null
  expires_at timestamp with time zone not null
  provider_sign_ins_pkey PRIMARY KEY (state_hash)
  provider_sign_ins_return_query_check CHECK ((char_length(return_query) <= 8000))
CREATE INDEX provider_sign_ins_expiry ON public.provider_sign_ins USING btree (expires_at)
grant delete, insert, select, update to fusion_app

table routing_rules
  organisation_id uuid not null
  dearest double precision
  preferred text[] not null
  routing_rules_dearest_check CHECK ((dearest >= (0)::double precision))
  routing_rules_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE
  routing_rules_pkey PRIMARY KEY (organisation_id)
grant delete, insert, select, update to fusion_app

table schema_migrations
  name text not null
  applied_at timestamp with time zone not null default now()
  schema_migrations_pkey PRIMARY KEY (name)

table search_states
  user_id uuid not null
  rules integer not null
  v bigint not null
  id uuid not null
  search_states_pkey PRIMARY KEY (user_id)
  search_states_user_id_fkey FOREIGN KEY (user_id) REFERENCES spaces(user_id) ON DELETE CASCADE
row level security, forced
policy own for * to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())
grant delete, insert, select, update to fusion_app

table sessions
  id uuid not null
  user_id uuid not null
  client_id text not null
  device_name text not null
  refresh_salt bytea not null
  refresh_counter integer not null default 0
  refreshed_at timestamp with time zone not null
  created_at timestamp with time zone not null
  last_used_at timestamp with time zone not null
  expires_at timestamp with time zone not null
  revoked_at timestamp with time zone
  sessions_device_name_check CHECK ((char_length(device_name) <= 100))
  sessions_pkey PRIMARY KEY (id)
  sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at)
CREATE INDEX sessions_user ON public.sessions USING btree (user_id, id)
grant delete, insert, select, update to fusion_app

table sign_in_attempts
  key bytea not null
  failures integer not null
  failed_at timestamp with time zone not null
  succeeded_at timestamp with time zone
  sign_in_attempts_pkey PRIMARY KEY (key)
CREATE INDEX sign_in_attempts_time ON public.sign_in_attempts USING btree (failed_at)
grant delete, insert, select, update to fusion_app

table signing_keys
  id text not null
  private_key bytea not null
  signs_from timestamp with time zone not null
  signs_until timestamp with time zone not null
  created_at timestamp with time zone not null
  signing_keys_pkey PRIMARY KEY (id)
grant delete, insert, select, update to fusion_app

table spaces
  user_id uuid not null
  epoch uuid not null default gen_random_uuid()
  version bigint not null default 0
  disabled boolean not null default false
  spaces_pkey PRIMARY KEY (user_id)
  spaces_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
  spaces_version_check CHECK (((version >= 0) AND (version <= '9007199254740991'::bigint)))
row level security, forced
policy own for * to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())
grant delete, insert, select, update to fusion_app

table stamps
  user_id uuid not null
  version bigint not null
  stamp text not null default "left"(md5((gen_random_uuid())::text), 16)
  stamps_pkey PRIMARY KEY (user_id, version)
  stamps_user_id_fkey FOREIGN KEY (user_id) REFERENCES spaces(user_id) ON DELETE CASCADE
row level security, forced
policy own for * to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())
grant delete, insert, select, update to fusion_app

table usage partition by RANGE (at)
  user_id uuid not null
  at timestamp with time zone not null
  request_id uuid not null
  organisation_id uuid not null
  api_key_id uuid
  kind text not null
  model text not null
  server text
  ended text not null
  prompt_tokens bigint not null
  cached_tokens bigint not null
  completion_tokens bigint not null
  duration_ms bigint not null
  written_at timestamp with time zone not null default now()
  price_version integer
  cost bigint not null default 0
  source text not null default 'model'::text
  retries smallint not null default 0
  usage_check CHECK (((cached_tokens >= 0) AND (cached_tokens <= prompt_tokens)))
  usage_completion_tokens_check CHECK ((completion_tokens >= 0))
  usage_cost_check CHECK ((cost >= 0))
  usage_duration_ms_check CHECK ((duration_ms >= 0))
  usage_ended_check CHECK ((ended = ANY (ARRAY['complete'::text, 'stopped'::text, 'failed'::text])))
  usage_kind_check CHECK ((kind = ANY (ARRAY['chat'::text, 'chat-completion'::text, 'completion'::text, 'response'::text, 'embedding'::text])))
  usage_pkey PRIMARY KEY (user_id, at, request_id)
  usage_prompt_tokens_check CHECK ((prompt_tokens >= 0))
  usage_retries_check CHECK ((retries >= 0))
  usage_source_check CHECK ((source = ANY (ARRAY['model'::text, 'cache'::text, 'shared'::text])))
CREATE INDEX usage_at ON ONLY public.usage USING brin (at)
CREATE INDEX usage_key ON ONLY public.usage USING btree (api_key_id, at) WHERE (api_key_id IS NOT NULL)
CREATE INDEX usage_organisation ON ONLY public.usage USING btree (organisation_id, at)
CREATE INDEX usage_written ON ONLY public.usage USING brin (written_at)
row level security, forced
policy own for * to fusion_app using (user_id = fusion_user()) with check (user_id = fusion_user())
policy tended for * to fusion_owner using true
grant insert, select to fusion_app

table usage_hours
  organisation_id uuid not null
  hour timestamp with time zone not null
  user_id uuid not null
  model text not null
  requests bigint not null
  stopped bigint not null
  failed bigint not null
  prompt_tokens bigint not null
  cached_tokens bigint not null
  completion_tokens bigint not null
  cost bigint not null default 0
  usage_hours_pkey PRIMARY KEY (organisation_id, hour, user_id, model)
row level security, forced
policy tended for * to fusion_owner using true

table usage_rolled_up
  one_row boolean not null default true
  until timestamp with time zone not null
  usage_rolled_up_one_row_check CHECK (one_row)
  usage_rolled_up_pkey PRIMARY KEY (one_row)
row level security, forced
policy tended for * to fusion_owner using true

table users
  id uuid not null
  organisation_id uuid not null
  email text not null
  name text not null
  role text not null
  password_hash text
  disabled_at timestamp with time zone
  created_at timestamp with time zone not null default now()
  removed_at timestamp with time zone
  users_email_check CHECK (((char_length(email) >= 3) AND (char_length(email) <= 320)))
  users_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200)))
  users_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id)
  users_pkey PRIMARY KEY (id)
  users_role_check CHECK ((role = ANY (ARRAY['member'::text, 'admin'::text, 'auditor'::text])))
CREATE INDEX users_organisation ON public.users USING btree (organisation_id, id)
CREATE INDEX users_removed ON public.users USING btree (removed_at) WHERE (removed_at IS NOT NULL)
CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email))
grant delete, insert, select, update to fusion_app

CREATE OR REPLACE FUNCTION public.due_answers()
 RETURNS TABLE(user_id uuid, id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$ select g.user_id, g.id from generations g where g.answer_due and g.status <> 'running' order by g.created_at limit 100 $function$

execute: fusion_app

CREATE OR REPLACE FUNCTION public.ensure_usage_partitions(moment timestamp with time zone)
 RETURNS text[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
    declare
      made text[] := '{}';
      name text;
      begins timestamptz;
      ends timestamptz;
    begin
      if not pg_try_advisory_xact_lock(4320002) then
        return made;
      end if;
      for month in 0..2 loop
        begins := (date_trunc('month', moment at time zone 'UTC') + make_interval(months => month)) at time zone 'UTC';
        ends := (date_trunc('month', moment at time zone 'UTC') + make_interval(months => month + 1)) at time zone 'UTC';
        name := 'usage_' || to_char(begins at time zone 'UTC', 'YYYY_MM');
        continue when to_regclass('public.' || name) is not null;
        execute format('create table public.%I (like public.usage including all)', name);
        -- Until it is there nobody writes to the rest, where a row of this month would keep it from being there.
        lock table public.usage_rest in access exclusive mode;
        execute format('alter table public.%I enable row level security', name);
        execute format('with moved as (delete from public.usage_rest where at >= %L and at < %L returning *) insert into public.%I select * from moved', begins, ends, name);
        execute format('alter table public.usage attach partition public.%I for values from (%L) to (%L)', name, begins, ends);
        made := made || name;
      end loop;
      return made;
    end
  $function$

execute: fusion_app

CREATE OR REPLACE FUNCTION public.forget_account(account uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
    delete from generations g where g.user_id = account and exists (select from users u where u.id = account and u.removed_at is not null);
    delete from users u where u.id = account and u.removed_at is not null;
  $function$

execute: fusion_app

CREATE OR REPLACE FUNCTION public.forget_generations()
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$ delete from generations where created_at < now() - interval '1 day' and status <> 'running' and not answer_due $function$

execute: fusion_app

CREATE OR REPLACE FUNCTION public.forget_idempotency_keys()
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
    with gone as (
      delete from idempotency_keys where ctid in (select ctid from idempotency_keys where created_at < now() - interval '1 day' limit 5000) returning 1
    )
    select count(*)::integer from gone
  $function$

execute: fusion_app

CREATE OR REPLACE FUNCTION public.fusion_user()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (NULLIF(current_setting('fusion.user_id'::text, true), ''::text))::uuid

execute: public

CREATE OR REPLACE FUNCTION public.key_usage(key uuid, since timestamp with time zone)
 RETURNS TABLE(tokens bigint, cost bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
    select coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint, coalesce(sum(u.cost), 0)::bigint
    from usage u where u.api_key_id = key and u.at >= since
  $function$

execute: fusion_app

CREATE OR REPLACE FUNCTION public.lock_space()
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
declare now_at bigint; closed boolean;
begin
  select version, disabled into now_at, closed from spaces where user_id = fusion_user() for update;
  if not found then
    insert into spaces (user_id) values (fusion_user()) on conflict do nothing;
    select version, disabled into now_at, closed from spaces where user_id = fusion_user() for update;
  end if;
  if closed then
    raise exception 'this space is disabled' using errcode = 'FU001';
  end if;
  return now_at;
end
$function$

execute: public

CREATE OR REPLACE FUNCTION public.organisation_usage(organisation uuid, since timestamp with time zone, rows_from timestamp with time zone)
 RETURNS TABLE(user_id uuid, model text, requests bigint, stopped bigint, failed bigint, prompt_tokens bigint, cached_tokens bigint, completion_tokens bigint, cost bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
    with split as materialized (select least(rows_from, date_trunc('hour', r.until)) as at from usage_rolled_up r)
    select used.user_id, used.model, sum(used.requests)::bigint, sum(used.stopped)::bigint, sum(used.failed)::bigint,
      sum(used.prompt_tokens)::bigint, sum(used.cached_tokens)::bigint, sum(used.completion_tokens)::bigint, sum(used.cost)::bigint
    from (
      select h.user_id, h.model, h.requests, h.stopped, h.failed, h.prompt_tokens, h.cached_tokens, h.completion_tokens, h.cost
      from usage_hours h
      where h.organisation_id = organisation and h.hour >= since and h.hour < (select at from split)
      union all
      select u.user_id, u.model, 1, (u.ended = 'stopped')::integer, (u.ended = 'failed')::integer,
        u.prompt_tokens, u.cached_tokens, u.completion_tokens, u.cost
      from usage u
      where u.organisation_id = organisation and u.at >= greatest(since, (select at from split))
    ) used
    group by used.user_id, used.model
  $function$

execute: fusion_app

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$function$

execute: public

CREATE OR REPLACE FUNCTION public.roll_up_usage()
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
    declare
      done timestamptz;
      upto timestamptz;
      changed timestamptz;
    begin
      if not pg_try_advisory_xact_lock(4320003) then
        return false;
      end if;
      select until into done from usage_rolled_up;
      -- A transaction that began before the last time may have ended after it; none lives longer than 15 s.
      done := done - interval '5 minutes';
      select least(now(), coalesce(min(written_at), now()) + interval '1 hour') into upto from usage where written_at >= done;
      for changed in select distinct date_trunc('hour', at) from usage where written_at >= done and written_at <= upto loop
        insert into usage_hours (organisation_id, hour, user_id, model, requests, stopped, failed, prompt_tokens, cached_tokens, completion_tokens, cost)
          select organisation_id, changed, user_id, model, count(*),
            count(*) filter (where ended = 'stopped'), count(*) filter (where ended = 'failed'),
            sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), sum(cost)
          from usage where at >= changed and at < changed + interval '1 hour'
          group by organisation_id, user_id, model
          on conflict (organisation_id, hour, user_id, model) do update set
            requests = excluded.requests, stopped = excluded.stopped, failed = excluded.failed, prompt_tokens = excluded.prompt_tokens,
            cached_tokens = excluded.cached_tokens, completion_tokens = excluded.completion_tokens, cost = excluded.cost;
      end loop;
      update usage_rolled_up set until = upto;
      return upto < now();
    end
  $function$

execute: fusion_app

CREATE OR REPLACE FUNCTION public.search_words(query tsquery, before_v bigint, before_id uuid, most integer)
 RETURNS TABLE(message_id uuid, v bigint, pieces integer[])
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
    -- By the words first, which are this person's alone: the planner knows of neither, and might read all that a person ever wrote.
    with found as materialized (select w.user_id, w.message_id, w.v, w.piece from message_words w where w.words @@ query)
    select f.message_id, f.v, array_agg(f.piece order by f.piece) from found f
    where f.user_id = fusion_user() and (before_v is null or (f.v, f.message_id) < (before_v, before_id))
    group by f.v, f.message_id order by f.v desc, f.message_id desc limit most
  $function$

execute: fusion_app

CREATE OR REPLACE FUNCTION public.take_orphans(me uuid, lease_seconds integer)
 RETURNS TABLE(user_id uuid, id uuid, seq integer, model text, cancel_requested boolean)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
    update generations g set owner = me, lease_until = now() + make_interval(secs => lease_seconds)
    where (g.user_id, g.id) in (
      select o.user_id, o.id from generations o where o.status = 'running' and o.lease_until < now() order by o.lease_until limit 20 for update skip locked
    )
    returning g.user_id, g.id, g.seq, g.model, g.cancel_requested
  $function$

execute: fusion_app

CREATE OR REPLACE FUNCTION public.take_version()
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
declare taken bigint;
begin
  update spaces set version = version + 1 where user_id = fusion_user() returning version into taken;
  insert into stamps (user_id, version) values (fusion_user(), taken);
  return taken;
end
$function$

execute: public

CREATE OR REPLACE FUNCTION public.tend_generations(users uuid[], ids uuid[], lease_seconds integer, me uuid DEFAULT NULL::uuid)
 RETURNS SETOF uuid[]
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
    update generations g set lease_until = now() + make_interval(secs => lease_seconds)
    from unnest(users, ids) as mine(user_id, id)
    where g.user_id = mine.user_id and g.id = mine.id and g.status = 'running' and (me is null or g.owner = me)
    returning case when g.cancel_requested then array[g.user_id, g.id] end
  $function$

execute: fusion_app
