// Loaded into a program that the cloud starts (`--import`), whose standard input is a pipe from the cloud: when the cloud is gone, however it
// went, the pipe closes, and the program is asked to end.
process.stdin.on('close', () => process.kill(process.pid, 'SIGTERM'))
process.stdin.resume()
process.stdin.unref()
