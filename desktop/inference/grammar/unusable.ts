/** A schema that nothing can be held to: where in it, and why, in plain words. */
export class Unusable extends Error {
  override name = 'Unusable'
  readonly path: string
  readonly why: string

  constructor(path: string, why: string) {
    super(`${path}: ${why}`)
    this.path = path
    this.why = why
  }
}
