/** A way to sign in besides the form for local accounts: a button on the sign-in page. */
export interface SignInMethod {
  id: string
  /** As people know it: "Google". */
  name: string
  /**
   * Where its button leads, on this server. `purpose` says what the person signs in for: an opaque text that is kept on the way and given to
   * `identity.finishSignIn` at its end.
   */
  href(purpose: string): string
}
