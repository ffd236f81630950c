/** `portico start`: opens the portal, says where it is, and closes it when it is told to. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { openLog } from '../base/log.ts'
import { forgetSecrets, type OpenedConfig, openConfig } from '../config.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { closeInherited } from './inherited.ts'
import { openPortico } from './open-portico.ts'
import { addSettingFlags, flagsOf } from './setting-flags.ts'
import { untilStopped } from './signals.ts'
import type { Terminal } from './terminal.ts'

export function defineStart(program: Command, io: Surroundings, rest: readonly string[]): void {
  addSettingFlags(program.command('start').description('run the portal')).action(action(io, rest, start))
}

async function start(context: Context, options: Record<string, unknown>): Promise<void> {
  // Everything that is made from here on is for its owner alone: database, journal, key, tokens.
  process.umask(0o077)
  closeInherited()
  const { terminal } = context
  const settings = context.settings(flagsOf(options))
  const opened = openConfig(settings, context.surroundings.env)
  forgetSecrets()
  for (const warning of opened.warnings) terminal.note(`warning: ${warning}`)
  const portico = await openPortico(opened.config, {
    log: openLog(opened.config.logLevel),
    configFile: settings.file,
  })
  const link = await portico.adminLink()
  const linkFile = writeLink(terminal.isInteractive ? null : link, opened.config.data)
  greet(terminal, { url: portico.url, link: terminal.isInteractive ? link : null, linkFile }, opened)
  await untilStopped(terminal, () => portico.close())
}

/**
 * Whoever has the link becomes owner. What is no terminal is a log that others read, so there it lies in a file for its owner alone.
 *
 * @param link null takes away what an earlier start left
 * @returns the file, where there is one
 */
function writeLink(link: string | null, data: string): string | null {
  const path = join(data, 'admin-link')
  rmSync(path, { force: true })
  if (link === null) return null
  // A new file, whatever stood there: an old one keeps its mode, and a link would be written through.
  writeFileSync(path, `${link}\n`, { mode: 0o600, flag: 'wx' })
  return path
}

interface Up {
  url: string
  /** For a terminal alone. */
  link: string | null
  linkFile: string | null
}

function greet(terminal: Terminal, { url, link, linkFile }: Up, { config, keyOrigin, keyFile }: OpenedConfig): void {
  const facts = {
    url,
    portal: `${url}/mcp`,
    console: `${url}/admin`,
    ...(isBySetUp(config) ? { public_url_file: join(config.data, 'setup.json') } : {}),
    data: config.data,
    store: config.databaseUrl === null ? 'sqlite' : 'postgresql',
    admin_token: `${config.data}/admin-token`,
    key_file: keyFile,
    ...(linkFile === null ? {} : { admin_link_file: linkFile }),
  }
  terminal.answer(facts, () => {
    terminal.print(`Portico is up: ${facts.portal}`)
    terminal.print(`  console      ${facts.console}`)
    if (isBySetUp(config))
      terminal.print(`  public URL   ${config.publicUrl} (by the set-up, in ${join(config.data, 'setup.json')})`)
    terminal.print(`  data         ${facts.data} (${facts.store === 'sqlite' ? 'SQLite' : 'PostgreSQL'})`)
    terminal.print(`  owner token  ${facts.admin_token}`)
    if (keyFile !== null)
      terminal.print(
        `  key          ${keyFile}${keyOrigin === 'generated' ? ' (new; keep a copy, or stored credentials are lost with it)' : ''}`,
      )
    if (linkFile !== null)
      terminal.print(`  admin link   ${linkFile} (makes the first owner, and begins the set-up; once, for an hour)`)
    if (!terminal.isInteractive) return
    if (link !== null) {
      terminal.print('')
      terminal.print(
        'Nobody is owner yet. Open this link to become it and to set the portal up; it works once, for an hour:',
      )
      terminal.print(`  ${link}`)
    }
    const self = programName()
    const there = whereabouts(config, url)
    terminal.print('')
    terminal.print(link === null ? 'Next, in the console, or in another terminal:' : 'Or from another terminal:')
    terminal.print(`  ${self} servers add NAME URL${there}`)
    terminal.print(`  ${self} connect claude-code${there}`)
    terminal.print('')
    terminal.print('Ctrl-C stops it.')
  })
}

/** Whoever takes an address back must know where it came from. */
function isBySetUp({ publicUrl, publicUrlFrom }: OpenedConfig['config']): boolean {
  return publicUrl !== null && publicUrlFrom.origin === 'set-up'
}

/** What another terminal must add to find this portal: nothing, where everything is as usual. */
function whereabouts({ data, port }: OpenedConfig['config'], url: string): string {
  const isUsual = data === `${process.cwd()}/data`
  return `${port === 8787 ? '' : ` --url ${url}`}${isUsual ? '' : ` --data ${data}`}`
}

/** How this program is called: by npx in a clone, by name where it is installed. */
export function programName(): string {
  return import.meta.filename.endsWith('.ts') ? 'npx portico' : 'portico'
}
