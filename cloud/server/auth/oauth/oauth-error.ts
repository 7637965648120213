/** What a token endpoint refuses, in the words of its RFC. */
export class OAuthError extends Error {
  readonly error: OAuthErrorCode

  constructor(error: OAuthErrorCode) {
    super(descriptions[error])
    this.error = error
  }
}

const descriptions = {
  invalid_request: 'The request is not of the form that it must have.',
  invalid_client: 'This client is not known here.',
  invalid_grant: 'This code or token is not good, or no longer.',
  unsupported_grant_type: 'Tokens are not given for this kind of grant.',
  authorization_pending: 'Nobody has confirmed the device yet.',
  slow_down: 'The device asks too often.',
  access_denied: 'The device was refused.',
  expired_token: 'The code of the device is too old.',
}
export type OAuthErrorCode = keyof typeof descriptions
