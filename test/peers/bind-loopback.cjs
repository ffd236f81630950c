/**
 * Preloaded into real servers that would bind every interface: whatever address they ask for, they get 127.0.0.1.
 * It also tells the parent which port the server got (so that tests can ask for port 0 and never guess), and ends the
 * server when its parent is gone, so that a killed test run leaves nobody behind.
 */
const { flushCompileCache } = require('node:module')
const net = require('node:net')

const listen = net.Server.prototype.listen

net.Server.prototype.listen = function (...args) {
  const first = args[0]
  const isPort = typeof first === 'number' || (typeof first === 'string' && /^\d+$/.test(first))
  const options = isPort ? { port: Number(first) } : typeof first === 'object' && first !== null ? { ...first } : {}
  // Pipes and inherited handles are not reachable from other machines and stay as they are.
  if (options.path !== undefined || options.fd !== undefined || (typeof first === 'string' && !isPort)) {
    return listen.apply(this, args)
  }
  this.once('listening', () => {
    process.send?.({ listening: this.address().port })
    // It will be ended by a signal, and leave its compiled code to nobody then.
    setImmediate(flushCompileCache)
  })
  const callback = args.findLast((arg) => typeof arg === 'function')
  return listen.call(this, { ...options, host: '127.0.0.1' }, ...(callback ? [callback] : []))
}

if (process.send) {
  process.on('disconnect', () => process.exit(0))
  process.channel?.unref?.()
}
