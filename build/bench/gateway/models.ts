/** What the model server counted of one of its models. */
export interface ModelCount {
  requests: number
  /** Of them: written to their end. */
  finished: number
  /** Of prompts whose length was told, which the first chunk of an answer does. */
  promptTokens: number
  /** Tokens that were written to the socket. */
  completionTokens: number
}

export const emptyCount = (): ModelCount => ({ requests: 0, finished: 0, promptTokens: 0, completionTokens: 0 })
