/** Opens the portal for `start` and `demo`, and says in the operator's words why it could not. */
import type { RunningPortico, StartOptions } from '../app.ts'
import { Fault } from '../base/fault.ts'
import type { Config } from '../config.ts'
import { CliError } from './cli-error.ts'

/** @throws CliError when the world is in the way; what is a bug rises as it is */
export async function openPortico(config: Config, options: StartOptions): Promise<RunningPortico> {
  // Loaded here alone: no other verb should wait for the whole house.
  const { startPortico } = await import('../app.ts')
  try {
    return await startPortico(config, options)
  } catch (error) {
    throw inWords(error, config)
  }
}

function inWords(error: unknown, { host, port }: Config): unknown {
  if (error instanceof Fault) {
    const { cause } = error
    return new CliError(error.message, cause instanceof Error ? { hint: `(${cause.message})` } : {})
  }
  switch ((error as NodeJS.ErrnoException | undefined)?.code) {
    case 'EADDRINUSE':
      return new CliError(`${host}:${port} is taken.`, {
        hint: 'Is a portal running already? Choose another port with --port.',
      })
    case 'EACCES':
      return new CliError(`This user may not listen on ${host}:${port}.`, {
        hint: 'Choose a port above 1023 with --port.',
      })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new CliError(`${host} is no address of this machine.`, { hint: 'Choose another with --host.' })
    default:
      return error
  }
}
