/** What goes wrong with one request. `at`: after so many tokens of its answer; 0: before the first, when its headers have gone. */
export type Fault =
  /** The whole server: every connection breaks, and none is taken until it is started again. */
  | { kind: 'kill'; at: number }
  /** This connection alone. */
  | { kind: 'drop'; at: number }
  /** Nothing comes any more. */
  | { kind: 'hang'; at: number }
  /** It answers with this status, before anything else. */
  | { kind: 'status'; status: number }
  /** It takes the request and never answers. */
  | { kind: 'silent' }
  /** An error within the stream, in vLLM's words. */
  | { kind: 'error'; at: number }
  /** Bytes that are no event. */
  | { kind: 'garbage'; at: number }
  /** An event whose bytes end within a character, and then nothing. */
  | { kind: 'half'; at: number }
  /** It ends as if all were said, without `[DONE]`. */
  | { kind: 'end'; at: number }
  /** It never ends. */
  | { kind: 'endless' }
  /** Bytes of its events come one by one. */
  | { kind: 'dribble' }
  /** Only comments and empty chunks from here on. */
  | { kind: 'empty'; at: number }
  | { kind: 'no-usage' }
  /** Usage comes with the last piece of text, and not by itself. */
  | { kind: 'usage-with-text' }
  | { kind: 'no-token-ids' }
  /** Another model's name stands in its chunks. */
  | { kind: 'wrong-model' }
