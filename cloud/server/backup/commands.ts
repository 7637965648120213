import { join } from 'node:path'
import { runningPostgres, startPostgres } from '../../database/embedded-postgres.ts'
import { deriveKey, readSecretKey } from '../auth/secret-key.ts'
import { type Command, WrongUse } from '../command.ts'
import { cloudFolder, type Config } from '../config.ts'
import { createObjectTokens } from '../objects/object-tokens.ts'
import { openObjects } from '../objects/open-objects.ts'
import { type Backups, createBackups } from './backups.ts'

/** Works with the backups of this cloud, whether it runs or not. `alone`: only where it does not. */
async function withBackups(config: Config, { alone }: { alone: boolean }, work: (backups: Backups) => Promise<void>): Promise<void> {
  const folder = cloudFolder(config)
  const closing: (() => Promise<unknown>)[] = []
  async function embedded(): Promise<string> {
    const running = alone ? undefined : await runningPostgres(join(folder, 'postgres'))
    if (running) return running
    const postgres = await startPostgres(join(folder, 'postgres'))
    closing.push(postgres.stop)
    return postgres.url
  }
  try {
    let url: Promise<string> | undefined
    const databaseUrl = async () => config.databaseOwnerUrl ?? config.databaseUrl ?? (await (url ??= embedded()))
    const key = deriveKey(await readSecretKey({ configured: config.secretKey, folder }), 'objects')
    const objects = await openObjects(config, createObjectTokens({ key, publicUrl: () => config.publicUrl ?? '', clock: Date.now }))
    closing.push(objects.close)
    await work(createBackups({ objects, databaseUrl, folder: join(folder, 'backups-under-way'), clock: Date.now }))
  } finally {
    for (const close of closing.toReversed()) await close()
  }
}

const say = (text: string) => void process.stdout.write(`${text}\n`)
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

export const backupCommands: Record<string, Command> = {
  backup: {
    usage: 'backup',
    about: 'Makes a backup of the database now, beside a cloud that runs or without one.',
    run: (_words, config) =>
      withBackups(config, { alone: false }, async backups => {
        const { name, size } = await backups.make()
        say(`The database was backed up as ${name} (${megabytes(size)}).`)
      }),
  },
  backups: {
    usage: 'backups',
    about: 'Lists the backups that there are, the newest first.',
    run: (_words, config) =>
      withBackups(config, { alone: false }, async backups => {
        const all = await backups.list()
        for (const { name, size } of all) say(`${name}  ${megabytes(size)}`)
        if (all.length === 0) say('There is no backup yet.')
      }),
  },
  restore: {
    usage: 'restore NAME',
    about: 'Reads a backup into a database without people; the cloud does not run meanwhile.',
    run: async ([name, ...more], config) => {
      if (!name || more.length > 0) throw new WrongUse('Which backup is to be read?')
      await withBackups(config, { alone: true }, async backups => {
        const { rows } = await backups.restore(name)
        say(`${name} was read: ${rows} rows. Start the cloud with the secret key and the objects of that time.`)
      })
    },
  },
}
