import type { Conversation, Folder } from '@fusion/shared/chat/conversation.ts'

export interface ChatGroup {
  key: string
  title: string
  folderId: string | null
  chats: Conversation[]
}

const DAY = 86_400_000
/** "Folder 2" before "Folder 10". */
export const byName = new Intl.Collator(undefined, { numeric: true })
const TODAY = 'Today'
const months = new Intl.DateTimeFormat('en', { month: 'long' })
const monthsAndYears = new Intl.DateTimeFormat('en', { month: 'long', year: 'numeric' })

/** The living chats as the sidebar shows them, newest first: pinned ones, today's, each folder, then the others by when something was said. */
export function groupChats(chats: Iterable<Conversation>, folders: Iterable<Folder>, now: Date): ChatGroup[] {
  const byTime = [...chats].filter(chat => chat.life === 'live').toSorted((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1))
  const pinned: ChatGroup = { key: 'pinned', title: 'Pinned', folderId: null, chats: [] }
  const filed = new Map<string, ChatGroup>()
  for (const { id, name } of [...folders].toSorted((a, b) => byName.compare(a.name, b.name))) {
    filed.set(id, { key: id, title: name, folderId: id, chats: [] })
  }
  const days = new Map<string, ChatGroup>()
  for (const chat of byTime) {
    let group = chat.pinned ? pinned : filed.get(chat.folderId ?? '')
    if (!group) {
      const title = whenTitle(chat.updatedAt, now)
      group = days.get(title) ?? { key: title, title, folderId: null, chats: [] }
      days.set(title, group)
    }
    group.chats.push(chat)
  }
  const today = days.get(TODAY)
  days.delete(TODAY)
  return [...(pinned.chats.length > 0 ? [pinned] : []), ...(today ? [today] : []), ...filed.values(), ...days.values()]
}

/** "Today", "Yesterday", "Last week", "Last month", then the month: by calendar days where the person is. */
function whenTitle(at: number, now: Date): string {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime()
  if (at >= today) return TODAY
  // Rounded, as days of 23 and 25 hours lie in between.
  const days = Math.round((today - startOfDay(at)) / DAY)
  if (days <= 1) return 'Yesterday'
  if (days <= 7) return 'Last week'
  if (days <= 31) return 'Last month'
  const date = new Date(at)
  return (date.getFullYear() === now.getFullYear() ? months : monthsAndYears).format(date)
}

function startOfDay(at: number): number {
  const date = new Date(at)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
}
