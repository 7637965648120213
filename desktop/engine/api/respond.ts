import type { ServerResponse } from 'node:http'
import { asApiError } from '@fusion/shared/openai/failure.ts'

/** Answers with JSON, at once and whole. */
export function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = JSON.stringify(body)
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      ...headers,
    })
    .end(text)
}

/** Answers with an error in OpenAI's form. */
export function sendError(response: ServerResponse, error: unknown, headers: Record<string, string> = {}): void {
  const { status, retryAfter, body } = asApiError(error)
  sendJson(response, status, body, { ...headers, ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) })
}
