// Builds and serves examples as their READMEs describe.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
const START_TIMEOUT_SECONDS = 60;
// Longer than the server's shutdown timeout.
const STOP_TIMEOUT_SECONDS = 20;

const stateroom = (...args) => [process.env.STATEROOM, args];

/** Returns how to build and serve an example as a module. */
export const example = name => ({
  folder: path.join(repository, 'examples', name),
  build: stateroom('build'),
  serve: port => stateroom('serve', 'dist', '--ip', '127.0.0.1', '--port', port),
});

/** Returns how to build and serve an example whose rooms are kept in a directory, with `stateroom serve` or `stateroom dev`. */
export function durable(name, verb, data) {
  const options = port => ['--data', data, '--ip', '127.0.0.1', '--port', port];
  return { ...example(name), serve: port => stateroom(verb, ...(verb === 'serve' ? ['dist'] : []), ...options(port)) };
}

/** All examples in one app. The client of shared-cursors is built first. */
export const gallery = {
  folder: path.join(repository, 'examples'),
  build: stateroom('build', '-C', 'shared-cursors'),
  serve: port => ['env', [`ADDRESS=127.0.0.1:${port}`, process.env.GALLERY]],
};

export class Server {
  #program;
  #process;
  /** Any free port on the first start, then the same one, so that windows can reconnect. */
  #port = 0;
  /** Lines of output. */
  log = [];
  /** Number of calls of `stop`. */
  stopCount = 0;
  /** Messages about unexpected exits. */
  unexpectedExits = [];

  constructor(program) {
    this.#program = program;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}/`;
  }

  build() {
    const { folder, build: [command, args] } = this.#program;
    try {
      execFileSync(command, args, { cwd: folder, stdio: 'pipe' });
    } catch (error) {
      throw new Error(`build failed:\n${error.stderr ?? error}`);
    }
  }

  /** Starts the server unless it is running. */
  async start() {
    if (this.#process) return;
    const [command, args] = this.#program.serve(this.#port);
    const server = spawn(command, args, { cwd: this.#program.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = server;
    running.add(server);
    server.once('exit', (code, signal) => {
      running.delete(server);
      if (this.#process !== server) return;
      this.#process = undefined;
      this.unexpectedExits.push(`the server exited unexpectedly with ${code ?? signal}`);
    });
    let timeout;
    await new Promise((resolve, reject) => {
      timeout = setTimeout(() => reject(new Error(`the server did not listen within ${START_TIMEOUT_SECONDS} s`)), START_TIMEOUT_SECONDS * 1000);
      for (const output of [server.stdout, server.stderr]) createInterface(output).on('line', line => {
        this.log.push(line);
        const port = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
        if (port) resolve(this.#port = Number(port));
      });
      server.once('error', reject);
      server.once('close', () => reject(new Error(['the server exited before it listened', ...this.log].join('\n'))));
    }).finally(() => clearTimeout(timeout));
  }

  /** Interrupts the server as ctrl-c does, and waits until it has exited. */
  async stop() {
    const [code, signal] = await this.#end('SIGINT');
    if (code !== 0) throw new Error(`the server exited with ${code ?? signal} after an interrupt`);
  }

  /** Kills the server, as `kill -9` does. */
  async kill() {
    const [code, signal] = await this.#end('SIGKILL');
    if (signal !== 'SIGKILL') throw new Error(`the server had exited with ${code ?? signal}`);
  }

  async #end(signal) {
    const server = this.#process;
    if (!server) return [0, null];
    this.#process = undefined;
    this.stopCount += 1;
    const timeout = setTimeout(() => server.kill('SIGKILL'), STOP_TIMEOUT_SECONDS * 1000);
    server.kill(signal);
    const exit = await once(server, 'exit');
    clearTimeout(timeout);
    return exit;
  }
}

// Kills all servers when the tests exit, for any reason.
const running = new Set();
process.on('exit', () => running.forEach(server => server.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
