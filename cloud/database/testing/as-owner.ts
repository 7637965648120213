import { Client } from 'pg'

/** Runs statements as the owner of the tables, whom no grant and no policy holds. */
export async function asOwner(url: string, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}
