// Preloaded into the demo's HTTP server, which would otherwise listen for every machine around: whatever address it
// asks for, it gets 127.0.0.1. Tells the parent its port and ends when the parent is gone.
const net = require('node:net')

const listen = net.Server.prototype.listen

net.Server.prototype.listen = function listenHere(...args) {
  const callback = args.findLast((arg) => typeof arg === 'function')
  const port = typeof args[0] === 'object' && args[0] !== null ? args[0].port : args[0]
  this.once('listening', () => process.send?.({ port: this.address().port }))
  return listen.call(this, { port: Number(port), host: '127.0.0.1' }, ...(callback ? [callback] : []))
}

process.on('disconnect', () => process.exit(0))
process.channel?.unref()
