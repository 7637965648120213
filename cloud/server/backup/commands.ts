import { join } from 'node:path'
import { type EmbeddedPostgres, runningPostgres, startPostgres } from '../../database/embedded-postgres.ts'
import { type Command, WrongUse } from '../command.ts'
import { cloudFolder, type Config } from '../config.ts'
import { withObjects } from '../objects/with-objects.ts'
import { type Backups, createBackups } from './backups.ts'

/** Works with the backups of this cloud, whether it runs or not. `alone`: only where it does not. */
async function withBackups(config: Config, { alone }: { alone: boolean }, work: (backups: Backups) => Promise<void>): Promise<void> {
  const folder = cloudFolder(config)
  let started: EmbeddedPostgres | undefined
  let url: Promise<string> | undefined
  async function embedded(): Promise<string> {
    const running = alone ? undefined : await runningPostgres(join(folder, 'postgres'))
    if (running) return running
    started = await startPostgres(join(folder, 'postgres'))
    return started.url
  }
  const databaseUrl = async () => config.databaseOwnerUrl ?? config.databaseUrl ?? (await (url ??= embedded()))
  try {
    await withObjects(config, objects =>
      work(createBackups({ objects, databaseUrl, folder: join(folder, 'backups-under-way'), clock: Date.now })),
    )
  } finally {
    await started?.stop()
  }
}

const say = (text: string) => void process.stdout.write(`${text}\n`)
const sizeOf = (bytes: number) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`)

export const backupCommands: Record<string, Command> = {
  backup: {
    usage: 'backup',
    about: 'Makes a backup of the database now, beside a cloud that runs or without one.',
    run: (_words, config) =>
      withBackups(config, { alone: false }, async backups => {
        const { name, size } = await backups.make()
        say(`The database was backed up as ${name} (${sizeOf(size)}).`)
      }),
  },
  backups: {
    usage: 'backups',
    about: 'Lists the backups that there are, the newest first.',
    run: (_words, config) =>
      withBackups(config, { alone: false }, async backups => {
        const all = await backups.list()
        for (const { name, size } of all) say(`${name}  ${sizeOf(size)}`)
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
