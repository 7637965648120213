// The end of a sentence: its mark with closing quotes and a space, or the end of a paragraph. CJK marks need no space.
const ENDS = /[.!?…][)\]"'’”*_]*\s|[。！？]|\n\n/g

/** Where the last whole sentence after `from` ends; `from`, if there is none yet. */
export function wholeSentences(text: string, from: number): number {
  let end = from
  ENDS.lastIndex = from
  for (let found = ENDS.exec(text); found; found = ENDS.exec(text)) end = ENDS.lastIndex
  return end
}

/** Markdown as it is to be heard: without its marks; of code only that it is there. */
export function speakable(markdown: string): string {
  return markdown
    .replace(/```[\s\S]*?(?:```|$)/g, ' Code. ')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^[ \t]*(?:#{1,6}|>|[-*+]|\|)[ \t]+/gm, '')
    .replace(/[*_`~|]+/g, '')
    .replace(/\s+/g, ' ')
    .trim()
}
