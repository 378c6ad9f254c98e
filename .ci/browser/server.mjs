// Builds and serves a program as its README describes.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
const START_SECONDS = 60;
// Longer than the shutdown time of the server.
const STOP_SECONDS = 20;

const stateroom = (...words) => [process.env.STATEROOM, words];

/** An example as a module. */
export const example = name => ({
  folder: path.join(repository, 'examples', name),
  build: stateroom('build'),
  serve: port => stateroom('serve', 'dist', '--ip', '127.0.0.1', '--port', port),
});

/** All of them in one app; one has a client to be built first. */
export const gallery = {
  folder: path.join(repository, 'examples'),
  build: stateroom('build', '-C', 'shared-cursors'),
  serve: port => ['env', [`ADDRESS=127.0.0.1:${port}`, process.env.GALLERY]],
};

export class Server {
  #program;
  #process;
  /** Any free port at first, and from then on the same, so that windows find their way back. */
  #port = 0;
  /** What it has said, line by line. */
  log = [];
  /** How often it was stopped. */
  stops = 0;
  /** The outcome of an unexpected exit. */
  accidents = [];

  constructor(program) {
    this.#program = program;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}/`;
  }

  build() {
    const { folder, build: [command, words] } = this.#program;
    try {
      execFileSync(command, words, { cwd: folder, stdio: 'pipe' });
    } catch (error) {
      throw new Error(`the build failed:\n${error.stderr ?? error}`);
    }
  }

  /** Starts it, unless it runs. */
  async start() {
    if (this.#process) return;
    const [command, words] = this.#program.serve(this.#port);
    const server = spawn(command, words, { cwd: this.#program.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = server;
    running.add(server);
    server.once('exit', (code, signal) => {
      running.delete(server);
      if (this.#process !== server) return;
      this.#process = undefined;
      this.accidents.push(`the server ended by itself, with ${code ?? signal}`);
    });
    let late;
    await new Promise((resolve, reject) => {
      late = setTimeout(() => reject(new Error(`the server does not listen after ${START_SECONDS} s`)), START_SECONDS * 1000);
      for (const output of [server.stdout, server.stderr]) createInterface(output).on('line', line => {
        this.log.push(line);
        const port = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
        if (port) resolve(this.#port = Number(port));
      });
      server.once('error', reject);
      server.once('close', () => reject(new Error(['the server did not start', ...this.log].join('\n'))));
    }).finally(() => clearTimeout(late));
  }

  /** Asks it to end, as ctrl-c does, and waits until it has. */
  async stop() {
    const server = this.#process;
    if (!server) return;
    this.#process = undefined;
    this.stops += 1;
    const late = setTimeout(() => server.kill('SIGKILL'), STOP_SECONDS * 1000);
    server.kill('SIGINT');
    const [code, signal] = await once(server, 'exit');
    clearTimeout(late);
    if (code !== 0) throw new Error(`asked to stop, the server ended with ${code ?? signal}`);
  }
}

// Stops all servers, however the tests end.
const running = new Set();
process.on('exit', () => running.forEach(server => server.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
