export interface RouterSetting {
  quick: boolean
  /** Each is another draw of questions and times. */
  seeds: number[]
}
