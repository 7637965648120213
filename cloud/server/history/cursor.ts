import { Id } from '@fusion/shared/contract/ids.ts'
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import { Value } from 'typebox/value'

/** A place in a list: a number and an id, both of the last row of the page before. */
export const cursorOf = (number: number, id: string): string => `${number}.${id}`

/** Throws for what is no cursor of ours. */
export function readCursor(text: string): { number: number; id: string } {
  const [number = '', id] = text.split('.')
  if (!/^\d{1,15}$/.test(number) || !Value.Check(Id, id))
    throw new WrongRequest('This is no place that a page before named.', { param: 'before' })
  return { number: Number(number), id }
}
