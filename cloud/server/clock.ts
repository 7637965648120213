/** Milliseconds since 1970: `Date.now`, or a test's own. */
export type Clock = () => number
