const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

export const ACCESS_TOKEN_MS = 10 * MINUTE_MS
/** A device that was not used for so long signs in again. */
export const SESSION_MS = 60 * DAY_MS
/** Within it, a refresh token whose reply was lost gives the same successor again. */
export const REFRESH_WINDOW_MS = MINUTE_MS
/** How long a session that ended elsewhere may still be taken for a living one. */
export const SESSION_CACHE_MS = 30_000
/** From the sign-in in the browser to the app that waits for it. */
export const AUTHORIZATION_CODE_MS = MINUTE_MS
export const DEVICE_CODE_MS = 15 * MINUTE_MS
export const INVITATION_MS = 7 * DAY_MS
export const FIRST_ADMIN_LINK_MS = DAY_MS
