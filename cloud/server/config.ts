// The cloud's settings. The only file of the server that reads process.env.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { platformHome } from '@fusion/shared/configuration/platform-home.ts'
import {
  type Environment,
  printableSettings,
  readSettings,
  type Setting,
  type SettingTable,
  type SettingValues,
  WrongSetting,
} from '@fusion/shared/configuration/read-settings.ts'
import { Type } from 'typebox'

const text = (options: { pattern?: string; minLength?: number } = {}) =>
  Type.Union([Type.String({ minLength: 1, maxLength: 4096, ...options }), Type.Null()])
const nothing = () => null

const perMinute = <Name extends string>(variable: Name, most: number) =>
  ({
    variable,
    schema: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
    form: 'a whole number of requests a minute, 1000000 at most (0: no limit)',
    fallback: () => most,
  }) satisfies Setting

/** A model server that answers in the words of vLLM's OpenAI API. */
const ModelServer = Type.Object(
  {
    url: Type.String({ pattern: '^https?://' }),
    apiKey: Type.Optional(Type.String({ minLength: 1 })),
    weights: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    /** Requests that it is to have at once, from each server of this cloud. */
    slots: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    /** Each address of the name in `url`, or each ready endpoint of the service `http://SERVICE.NAMESPACE:PORT`. */
    discover: Type.Optional(Type.Union([Type.Literal('dns'), Type.Literal('kubernetes')])),
    /** It is put to sleep when nobody asked it for so long. */
    sleepAfterSeconds: Type.Optional(Type.Integer({ minimum: 10, maximum: 1_000_000 })),
    window: Type.Optional(Type.Integer({ minimum: 1 })),
    tokenIds: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

/** What the operator tells of a model. Prices are those of a million tokens, in whichever currency. */
const ToldModel = Type.Object(
  {
    model: Type.String({ minLength: 1, maxLength: 200 }),
    promptPrice: Type.Optional(Type.Number({ minimum: 0, maximum: 1_000_000 })),
    completionPrice: Type.Optional(Type.Number({ minimum: 0, maximum: 1_000_000 })),
    /** A rank, or billions of parameters: only the order counts. */
    quality: Type.Optional(Type.Number({ minimum: 0, maximum: 1_000_000 })),
    /** False: `auto` never chooses it, as one that only makes embeddings. */
    auto: Type.Optional(Type.Boolean()),
    /** It may have no server while nobody asks for it: a POST here brings one. */
    wakeUrl: Type.Optional(Type.String({ pattern: '^https?://[^\\s]+$' })),
  },
  { additionalProperties: false },
)

const settings = {
  home: {
    variable: 'FUSION_HOME',
    schema: Type.String({ minLength: 1, pattern: '^[^\\0]+$' }),
    form: 'the path of a folder',
    fallback: env => platformHome({ platform: process.platform, home: homedir(), env }),
  },
  host: {
    variable: 'FUSION_CLOUD_HOST',
    schema: Type.String({ minLength: 1, maxLength: 255 }),
    form: 'the address to listen on',
    fallback: () => '127.0.0.1',
  },
  port: {
    variable: 'FUSION_CLOUD_PORT',
    schema: Type.Integer({ minimum: 0, maximum: 65_535 }),
    form: 'a whole number from 0 to 65535',
    fallback: () => 4320,
  },
  /** Where people and programs reach this cloud; null: at the address it listens on. */
  publicUrl: {
    variable: 'FUSION_CLOUD_URL',
    schema: text({ pattern: '^https?://[^\\s?#]+$' }),
    form: 'an http or https address',
    fallback: nothing,
  },
  /** Web pages of these origins may read replies; those of this cloud may anyway. */
  origins: {
    variable: 'FUSION_CLOUD_ORIGINS',
    schema: text({ pattern: '^https?://[^/,\\s]+(,https?://[^/,\\s]+)*$' }),
    form: 'one or several origins with commas between, such as https://chat.example.org',
    fallback: nothing,
  },
  /** Proxies whose X-Forwarded-For is believed. */
  proxies: {
    variable: 'FUSION_CLOUD_PROXIES',
    schema: text({ pattern: '^[0-9a-fA-F.:/]+(,[0-9a-fA-F.:/]+)*$' }),
    form: 'addresses or networks with commas between, such as 10.0.0.0/8',
    fallback: nothing,
  },
  /** Null: /metrics answers programs of this machine alone. */
  metricsToken: {
    variable: 'FUSION_METRICS_TOKEN',
    schema: text({ minLength: 16 }),
    form: 'a secret of at least 16 characters',
    fallback: nothing,
    secret: true,
  },
  /** Seconds between "not ready" and the last new connection, so that a balancer has seen it. */
  drainNoticeSeconds: {
    variable: 'FUSION_CLOUD_DRAIN_NOTICE',
    schema: Type.Integer({ minimum: 0, maximum: 600 }),
    form: 'a whole number of seconds, 600 at most',
    fallback: () => 0,
  },
  /** Seconds that requests under way have to come to their end when the server is asked to. */
  drainSeconds: {
    variable: 'FUSION_CLOUD_DRAIN',
    schema: Type.Integer({ minimum: 0, maximum: 3600 }),
    form: 'a whole number of seconds, 3600 at most',
    fallback: () => 30,
  },
  /** Where traces go (OTLP over HTTP); null: none are made. */
  tracesUrl: {
    variable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    schema: text({ pattern: '^https?://[^\\s?#]+$' }),
    form: 'an http or https address',
    fallback: nothing,
  },
  /** Where faults of the program are reported; null: nowhere. */
  sentryDsn: {
    variable: 'SENTRY_DSN',
    schema: text({ pattern: '^https?://[^\\s]+@[^\\s]+$' }),
    form: "a project's DSN",
    fallback: nothing,
    secret: true,
  },
  backups: {
    variable: 'FUSION_CLOUD_BACKUPS',
    schema: Type.Integer({ minimum: 0, maximum: 366 }),
    form: 'how many daily backups are kept, 366 at most (0: none are made)',
    // Whoever brings a Postgres of their own has their own way to keep it.
    fallback: env => (env['DATABASE_URL'] ? 0 : 7),
  },
  logLevel: {
    variable: 'FUSION_LOG',
    schema: Type.Union([Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')]),
    form: 'one of debug, info, warn, error',
    // A person at a terminal reads what is told at the start; a line for each request is for programs.
    fallback: () => (process.stdout.isTTY ? 'warn' : 'info'),
  },
  /** Null: a Postgres of our own, in the data folder. */
  databaseUrl: {
    variable: 'DATABASE_URL',
    schema: text({ pattern: '^postgres(ql)?://' }),
    form: 'a postgres:// address',
    fallback: nothing,
    secret: true,
  },
  /** A role that may create tables, for migrations alone; null: the one of DATABASE_URL. */
  databaseOwnerUrl: {
    variable: 'DATABASE_OWNER_URL',
    schema: text({ pattern: '^postgres(ql)?://' }),
    form: 'a postgres:// address',
    fallback: nothing,
    secret: true,
  },
  /** Encrypts signing keys and makes refresh tokens; the same for all servers of a cloud. Null: one in the data folder. */
  secretKey: {
    variable: 'FUSION_CLOUD_KEY',
    schema: text({ minLength: 32 }),
    form: 'a secret of at least 32 characters',
    fallback: nothing,
    secret: true,
  },
  /** Whether people sign in with an address and a password that this cloud keeps. */
  localAccounts: {
    variable: 'FUSION_LOCAL_ACCOUNTS',
    schema: Type.Boolean(),
    form: 'true or false',
    fallback: () => true,
  },
  /** The OpenID provider that people may sign in with; null: none. */
  oidcIssuer: {
    variable: 'OIDC_ISSUER',
    // Plain HTTP stays on this machine.
    schema: text({ pattern: '^(https://[^\\s?#]+|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:\\d+)?(/[^\\s?#]*)?)$' }),
    form: 'the https address of an OpenID provider',
    fallback: nothing,
  },
  oidcClientId: {
    variable: 'OIDC_CLIENT_ID',
    schema: text(),
    form: 'the name that the OpenID provider gave this cloud',
    fallback: nothing,
  },
  /** Null: a public client, which PKCE alone proves. */
  oidcClientSecret: {
    variable: 'OIDC_CLIENT_SECRET',
    schema: text(),
    form: 'the secret that the OpenID provider gave this cloud',
    fallback: nothing,
    secret: true,
  },
  /** On the button of the sign-in page. */
  oidcName: {
    variable: 'OIDC_NAME',
    schema: Type.String({ minLength: 1, maxLength: 60 }),
    form: 'what people call the OpenID provider',
    fallback: () => 'your organisation',
  },
  /** Whom it lets in besides those who have an account. */
  oidcAdmit: {
    variable: 'OIDC_ADMIT',
    schema: Type.String({ pattern: '^(anyone|invited|[\\w-]+(\\.[\\w-]+)+(,[\\w-]+(\\.[\\w-]+)+)*)$' }),
    form: 'anyone, invited, or e-mail domains with commas between, such as example.org,example.com',
    fallback: () => 'invited',
  },
  /** Null: cache and limits in this process. Several addresses, with commas between, are the nodes of a Redis Cluster. */
  redisUrl: {
    variable: 'REDIS_URL',
    schema: text({ pattern: '^rediss?://' }),
    form: 'a redis:// address, or several with commas between',
    fallback: nothing,
    secret: true,
  },
  /** Where attachments and backups are kept; null: in the data folder. */
  s3Bucket: {
    variable: 'S3_BUCKET',
    schema: text({ pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$' }),
    form: 'the name of a bucket',
    fallback: nothing,
  },
  /** Null: AWS. */
  s3Endpoint: {
    variable: 'S3_ENDPOINT',
    schema: text({ pattern: '^https?://[^\\s?#]+$' }),
    form: 'an http or https address',
    fallback: nothing,
  },
  s3Region: {
    variable: 'S3_REGION',
    schema: Type.String({ minLength: 1, maxLength: 100 }),
    form: 'the name of a region',
    fallback: () => 'us-east-1',
  },
  s3AccessKeyId: { variable: 'S3_ACCESS_KEY_ID', schema: text(), form: 'the id of an access key', fallback: nothing },
  s3SecretAccessKey: { variable: 'S3_SECRET_ACCESS_KEY', schema: text(), form: 'its secret', fallback: nothing, secret: true },
  /** Whether the bucket stands in the path of an address, as most servers besides AWS want it. */
  s3PathStyle: { variable: 'S3_PATH_STYLE', schema: Type.Boolean(), form: 'true or false', fallback: env => Boolean(env['S3_ENDPOINT']) },
  /** Of all files of a person together; 0: as many as come. */
  attachmentBytes: {
    variable: 'FUSION_ATTACHMENT_BYTES',
    schema: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    form: 'a whole number of bytes (0: no limit)',
    fallback: () => 10_000_000_000,
  },
  /** Requests a minute, a quarter of them at once; 0: as many as come. */
  userRequests: perMinute('FUSION_LIMIT_USER', 600),
  keyRequests: perMinute('FUSION_LIMIT_KEY', 600),
  organisationRequests: perMinute('FUSION_LIMIT_ORGANISATION', 12_000),
  /** Of whoever is not signed in. */
  addressRequests: perMinute('FUSION_LIMIT_ADDRESS', 300),
  /** Empty: a model server of our own, with the model that comes with Fusion. */
  modelServers: {
    variable: 'MODEL_SERVERS',
    schema: Type.Array(ModelServer),
    form: 'a list in JSON, such as [{"url":"http://10.0.0.7:8000"}]',
    fallback: () => [],
    secret: true,
  },
  /** Where a pod finds the API of its Kubernetes, which sets both. */
  kubernetesHost: { variable: 'KUBERNETES_SERVICE_HOST', schema: text(), form: 'the address of the API of Kubernetes', fallback: nothing },
  kubernetesPort: {
    variable: 'KUBERNETES_SERVICE_PORT',
    schema: Type.Integer({ minimum: 1, maximum: 65_535 }),
    form: 'its port',
    fallback: () => 443,
  },
  /** The longest that a request waits for a free model server; one that would wait longer is refused at once. */
  queueSeconds: {
    variable: 'FUSION_QUEUE_SECONDS',
    schema: Type.Integer({ minimum: 1, maximum: 3600 }),
    form: 'a whole number of seconds, 3600 at most',
    fallback: () => 60,
  },
  /** A model server that makes no token for so long is given up, and another is asked. */
  firstTokenSeconds: {
    variable: 'FUSION_FIRST_TOKEN_SECONDS',
    schema: Type.Integer({ minimum: 1, maximum: 600 }),
    form: 'a whole number of seconds, 600 at most',
    fallback: () => 120,
  },
  nextTokenSeconds: {
    variable: 'FUSION_NEXT_TOKEN_SECONDS',
    schema: Type.Integer({ minimum: 1, maximum: 600 }),
    form: 'a whole number of seconds, 600 at most',
    fallback: () => 30,
  },
  /** What `auto` chooses by. */
  models: {
    variable: 'MODELS',
    schema: Type.Array(ToldModel),
    form: 'a list in JSON, such as [{"model":"qwen-14b","promptPrice":0.1,"completionPrice":0.3,"quality":14}]',
    fallback: () => [],
  },
} satisfies SettingTable

/** `home` is absolute. */
export type Config = SettingValues<typeof settings>

/** Reads the settings from the environment. Throws `WrongSetting` for the first wrong one. */
export function readConfig(env: Environment = process.env): Config {
  const config = readSettings(settings, env)
  if (config.oidcIssuer && !config.oidcClientId) throw new WrongSetting('OIDC_CLIENT_ID must be set where OIDC_ISSUER is.')
  const names = config.models.map(({ model }) => model)
  if (new Set(names).size < names.length) throw new WrongSetting('MODELS must name each model once.')
  return { ...config, home: resolve(config.home) }
}

/** Everything of the cloud lies here, so that an app can use the same data folder. */
export const cloudFolder = (config: Pick<Config, 'home'>): string => join(config.home, 'cloud')

/** The settings as they may be printed: secrets are hidden. */
export const printable = (config: Config): Record<string, unknown> => printableSettings(settings, config)

/** The environment of the model server that the cloud starts: none of the cloud's own settings, which hold its secrets. */
export function modelServerEnvironment(env: Environment = process.env): Environment {
  const own = new Set(Object.values<Setting>(settings).map(({ variable }) => variable))
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.has(name)))
}
