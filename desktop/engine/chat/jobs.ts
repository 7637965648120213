/** An answer that a chat is to give next. */
export interface Job {
  questionId: string
  /** The parent of the question. */
  behind: string | null
  /** The answer whose place the new one takes: answered again, or gone on from. */
  replaces: string | null
  /** The new answer begins with the text of the one it replaces. */
  goesOn: boolean
  /** Somebody asked to see this answer, on whichever branch it grows. */
  show: boolean
}

/** Takes the next job off the line; questions sent one after another are answered together, by the answer to the last of them. */
export function takeJob(line: Job[]): Job | undefined {
  let job = line.shift()
  while (job?.replaces === null && line[0]?.behind === job.questionId) job = line.shift()
  return job
}
