import { sentence } from '../contract/failures.ts'
import { Failure, type FailureBody } from '../rpc/failure.ts'

/** An error as the OpenAI API tells it. */
export interface ApiError {
  status: number
  /** Seconds after which trying again makes sense. */
  retryAfter?: number
  body: { error: { message: string; type: string; param: string | null; code: string | null } }
}

/** What is wrong with a request: `param` names the place in it, `code` is one of OpenAI's where it has one. */
export class WrongRequest extends Error {
  readonly param: string | null
  readonly code: string | null
  readonly status: number

  constructor(
    message: string,
    { param = null, code = null, status = 400 }: { param?: string | null; code?: string | null; status?: number } = {},
  ) {
    super(message)
    this.param = param
    this.code = code
    this.status = status
  }
}

interface Kind {
  status: number
  type: string
  code: string
  retryAfter?: number
}

/** How failures of the engine read as OpenAI's; any other is a fault of ours, 500. */
const kinds: Record<string, Kind> = {
  'prompt-too-long': { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded' },
  'form-unusable': { status: 400, type: 'invalid_request_error', code: 'invalid_json_schema' },
  'token-unknown': { status: 400, type: 'invalid_request_error', code: 'invalid_token' },
  'model-missing': { status: 404, type: 'invalid_request_error', code: 'model_not_found' },
  overloaded: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', retryAfter: 1 },
  'model-file-gone': { status: 503, type: 'server_error', code: 'model_file_gone' },
  'model-corrupt': { status: 503, type: 'server_error', code: 'model_corrupt' },
  'model-too-large': { status: 503, type: 'server_error', code: 'model_too_large' },
  'model-load-failed': { status: 503, type: 'server_error', code: 'model_load_failed' },
  'model-crashed': { status: 503, type: 'server_error', code: 'model_crashed', retryAfter: 1 },
  'out-of-memory': { status: 503, type: 'server_error', code: 'out_of_memory', retryAfter: 1 },
  cancelled: { status: 503, type: 'server_error', code: 'stopped', retryAfter: 1 },
  'bad-input': { status: 400, type: 'invalid_request_error', code: 'bad_request' },
  'signed-out': { status: 401, type: 'authentication_error', code: 'invalid_api_key' },
  'not-allowed': { status: 403, type: 'permission_error', code: 'permission_denied' },
  'sign-in-wrong': { status: 403, type: 'permission_error', code: 'sign_in_wrong' },
  'sign-in-unknown': { status: 400, type: 'invalid_request_error', code: 'sign_in_unknown' },
  'sign-in-stale': { status: 403, type: 'permission_error', code: 'sign_in_stale' },
  'device-code-wrong': { status: 404, type: 'invalid_request_error', code: 'device_code_wrong' },
  'account-differs': { status: 422, type: 'invalid_request_error', code: 'account_differs' },
  'sign-in-old': { status: 403, type: 'permission_error', code: 'sign_in_old' },
  // As OpenAI's own: its clients do not try again.
  'budget-spent': { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
  'money-spent': { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
  'budget-too-small': { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
  'tokens-too-fast': { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  'masking-required': { status: 403, type: 'permission_error', code: 'masking_required' },
  'models-too-dear': { status: 403, type: 'permission_error', code: 'models_too_dear' },
  'last-admin': { status: 409, type: 'invalid_request_error', code: 'last_admin' },
  'provider-unreachable': { status: 503, type: 'server_error', code: 'provider_unreachable', retryAfter: 2 },
  'provider-refused': { status: 403, type: 'permission_error', code: 'provider_refused' },
  'email-unverified': { status: 403, type: 'permission_error', code: 'email_unverified' },
  'not-admitted': { status: 403, type: 'permission_error', code: 'not_admitted' },
  'account-closed': { status: 403, type: 'permission_error', code: 'account_closed' },
  'link-over': { status: 404, type: 'invalid_request_error', code: 'link_over' },
  'email-unfit': { status: 400, type: 'invalid_request_error', code: 'email_unfit' },
  'name-unfit': { status: 400, type: 'invalid_request_error', code: 'name_unfit' },
  'password-short': { status: 400, type: 'invalid_request_error', code: 'password_short' },
  'email-taken': { status: 409, type: 'invalid_request_error', code: 'email_taken' },
  'not-found': { status: 404, type: 'invalid_request_error', code: 'not_found' },
  'time-past': { status: 400, type: 'invalid_request_error', code: 'time_past' },
  'too-many-keys': { status: 409, type: 'invalid_request_error', code: 'too_many_keys' },
  'cloud-model-unknown': { status: 404, type: 'invalid_request_error', code: 'model_not_found' },
  'model-server-lost': { status: 502, type: 'server_error', code: 'model_server_lost', retryAfter: 1 },
  'model-server-refused': { status: 502, type: 'server_error', code: 'model_server_refused' },
  'answer-not-continued': { status: 502, type: 'server_error', code: 'answer_not_continued', retryAfter: 1 },
  'line-too-long': { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  'model-servers-down': { status: 503, type: 'server_error', code: 'model_servers_down', retryAfter: 2 },
  'files-full': { status: 413, type: 'invalid_request_error', code: 'files_full' },
  'question-empty': { status: 400, type: 'invalid_request_error', code: 'question_empty' },
  'chat-gone': { status: 410, type: 'invalid_request_error', code: 'conversation_gone' },
  'chat-local-only': { status: 422, type: 'invalid_request_error', code: 'conversation_local_only' },
  'not-in-trash': { status: 409, type: 'invalid_request_error', code: 'not_in_trash' },
  'changed-elsewhere': { status: 409, type: 'invalid_request_error', code: 'changed_elsewhere' },
  'request-running': { status: 409, type: 'invalid_request_error', code: 'request_running', retryAfter: 1 },
  'request-differs': { status: 422, type: 'invalid_request_error', code: 'request_differs' },
  'too-many-requests': { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', retryAfter: 1 },
  'cloud-part-missing': { status: 503, type: 'server_error', code: 'part_missing', retryAfter: 2 },
  disconnected: { status: 503, type: 'server_error', code: 'model_crashed', retryAfter: 1 },
}

/** Any error as the client reads it. What is nobody's `Failure` is told as `internal`, without its message. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof WrongRequest) {
    const { message, param, code, status } = error
    return { status, body: { error: { message, type: 'invalid_request_error', param, code } } }
  }
  const failed: FailureBody = Failure.toBody(error)
  const { what, next } = sentence(failed)
  const { status, type, code, retryAfter } = kinds[failed.code] ?? { status: 500, type: 'server_error', code: 'internal_error' }
  const wait = typeof failed.detail?.['seconds'] === 'number' ? failed.detail['seconds'] : retryAfter
  return {
    status,
    ...(wait !== undefined && { retryAfter: wait }),
    body: { error: { message: `${what} ${next}`, type, param: null, code } },
  }
}
