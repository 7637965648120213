/** What a request may be, and how long it may take to come. None of these times end a reply that is under way, such as a stream of events. */
export interface Limits {
  /** Bytes of all headers together, with the first line. */
  headerBytes: number
  /** Until the last header has come, and until the whole request has. */
  headersMs: number
  requestMs: number
  /** How often both are looked at. */
  checkMs: number
  /** A connection that waits for its next request: longer than the 60 s of common balancers, so that it is they who close it. */
  keepAliveMs: number
  bodyBytes: number
  /** Of a body that comes from nobody in particular. */
  anybodyBodyBytes: number
  /** Of one part of an address. */
  parameterLength: number
}

export const limits: Limits = {
  headerBytes: 16_384,
  headersMs: 20_000,
  // 16 MB over a slow line.
  requestMs: 120_000,
  checkMs: 5_000,
  keepAliveMs: 72_000,
  bodyBytes: 16_000_000,
  anybodyBodyBytes: 64_000,
  parameterLength: 500,
}
