/**
 * The one gate to running programs on this machine. Whoever may register a stdio server, or change the environment of one,
 * may run anything as the portal's own user; everything else about such a server is harmless beside that.
 */
import type { Operator } from '../base/principal.ts'
import type { AdminDeps, Caller } from './deps.ts'
import { type ApiRefusal, forbidden } from './refusal.ts'

/** @returns why not, or null. The configuration file does not come through here: who writes it runs the portal already. */
export function stdioRefusal(
  { register, commands }: Pick<AdminDeps['config']['stdio'], 'register' | 'commands'>,
  operator: Operator,
  caller: Caller,
): ApiRefusal | null {
  switch (register) {
    case 'api':
      // The settings refuse this already; whatever opened this room without them must not open every program.
      if (commands.length > 0) return null
      return forbidden('stdio.register is "api", and stdio.commands lists no program that may run.')
    case 'local':
      // A narrowed owner token is in other hands than the owner's, and a browser is open to other pages: neither runs programs here.
      if (operator.kind === 'api_token' && operator.role === 'owner' && operator.scopes.length === 0 && caller.loopback)
        return null
      return forbidden(
        'A stdio server runs a program on the portal\'s machine: register it there, with the owner token over a direct loopback connection, or in the configuration file. (stdio.register is "local"; where trusted_proxies names this machine, only the file is left.)',
      )
    case 'off':
      return forbidden(
        'Registering stdio servers over the API is switched off (stdio.register is "off"). Declare the server in the configuration file.',
      )
  }
}
