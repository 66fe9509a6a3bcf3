/**
 * Importing this keeps Node.js from opening its debugger when the process gets SIGUSR1. Only its own user and root may send that,
 * but the debugger then listens at 127.0.0.1:9229, where whoever connects runs code with the rights of this process. A listener
 * takes the place of Node's own handler. The first import of a program, so that it comes before all others: `--disable-sigusr1`
 * would come earlier still, but is unknown to Node.js 20, which does not start with it.
 */

process.on('SIGUSR1', () => undefined);
