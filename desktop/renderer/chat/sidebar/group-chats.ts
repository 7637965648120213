import type { Conversation, Folder } from '@fusion/shared/chat/conversation.ts'

export interface ChatGroup {
  key: string
  title: string
  folderId: string | null
  chats: Conversation[]
}

const DAY = 86_400_000
const months = new Intl.DateTimeFormat('en', { month: 'long' })
const monthsAndYears = new Intl.DateTimeFormat('en', { month: 'long', year: 'numeric' })

/** The living chats as the sidebar shows them, newest first: pinned ones, each folder, then by when something was last said. */
export function groupChats(chats: Iterable<Conversation>, folders: Iterable<Folder>, now: Date): ChatGroup[] {
  const byTime = [...chats].filter(chat => chat.life === 'live').toSorted((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1))
  const sorted = [...folders].toSorted((a, b) => a.name.localeCompare(b.name))
  const groups = new Map<string, ChatGroup>()
  const add = (key: string, title: string, folderId: string | null, chat?: Conversation) => {
    const group = groups.get(key) ?? { key, title, folderId, chats: [] }
    groups.set(key, group)
    if (chat) group.chats.push(chat)
  }
  for (const chat of byTime) if (chat.pinned) add('pinned', 'Pinned', null, chat)
  for (const folder of sorted) add(folder.id, folder.name, folder.id)
  const folderIds = new Set(sorted.map(folder => folder.id))
  for (const chat of byTime) {
    if (chat.pinned) continue
    if (chat.folderId && folderIds.has(chat.folderId)) {
      groups.get(chat.folderId)!.chats.push(chat)
      continue
    }
    const title = whenTitle(chat.updatedAt, now)
    add(title, title, null, chat)
  }
  return [...groups.values()]
}

/** "Today", "Yesterday", "Last week", "Last month", then the month: by calendar days where the person is. */
function whenTitle(at: number, now: Date): string {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime()
  if (at >= today) return 'Today'
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
