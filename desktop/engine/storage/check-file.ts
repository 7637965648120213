import Database from 'better-sqlite3'
import { isDamage } from './sqlite-failure.ts'

export type FileCheck = { sound: true } | { sound: false; problems: string[] }

/** SQLite's whole check of a file: every page, index and search index. Reads all of it. */
export function checkFile(file: string): FileCheck {
  const sqlite = new Database(file, { readonly: true })
  try {
    const problems = (sqlite.pragma('integrity_check(20)') as { integrity_check: string }[]).map(row => row.integrity_check)
    return problems.length === 1 && problems[0] === 'ok' ? { sound: true } : { sound: false, problems }
  } catch (error) {
    if (isDamage(error)) return { sound: false, problems: ['unreadable'] }
    throw error
  } finally {
    sqlite.close()
  }
}
