// The server, clients of it that aren't browsers, and a network between that can break.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PATIENCE_MS = 20_000;

/// Waits until `check` gives something true; says what `what()` was waited for if it doesn't.
export async function eventually(what, check) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const result = await check();
    if (result) return result;
    if (Date.now() > end) throw new Error(`waited in vain for ${await what()}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

const processes = [];
const closers = [];

/// Ends all that was started here.
export function endAll() {
  for (const child of processes) child.kill('SIGKILL');
  for (const close of closers) close();
}

/// Starts the server; gives its port and its process.
export async function startServer(options = [], port = 0) {
  const child = spawn(process.env.ROOMCAST, ['--listen', `127.0.0.1:${port}`, '--presence-interval', '0', ...options]);
  processes.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const found = /listening on .*:(\d+)$/.exec(line);
    if (found) {
      await announceBrowser(Number(found[1]));
      return { port: Number(found[1]), child };
    }
  }
  throw new Error('the server says no address');
}

/// Tells the server that there is a browser. This machine may stand still between the
/// connecting of a browser and its first request, which would come behind a greeting; from
/// now on silent connections wait for 5 s.
async function announceBrowser(port) {
  await eventually(() => 'an answer', async () => {
    const headers = { 'User-Agent': 'Mozilla/5.0' };
    return fetch(`http://127.0.0.1:${port}/healthz`, { headers }).then(answer => answer.ok, () => false);
  });
}

/// Starts Redis on a unix socket of its own; gives its URL and its process.
export async function startRedis() {
  const directory = mkdtempSync(join(tmpdir(), 'roomcast-'));
  closers.push(() => rmSync(directory, { recursive: true }));
  const socket = join(directory, 'socket');
  const child = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', directory]);
  processes.push(child);
  await eventually(() => 'Redis', () => existsSync(socket));
  return { url: `unix:${socket}`, child };
}

/// A program that is run in the room, such as nc or telnet.
export class Program {
  constructor(command, args) {
    this.child = spawn(command, args);
    processes.push(this.child);
    this.said = '';
    this.child.stdout.on('data', bytes => { this.said += bytes; });
  }

  /// The same for one that wants a terminal.
  static onTerminal(command) {
    return new Program('script', ['-qec', command, '/dev/null']);
  }

  say(line) {
    this.child.stdin.write(line + '\n');
  }

  /// Waits until a line has come that fits.
  async hears(line) {
    await eventually(() => `${line} in ${JSON.stringify(this.said)}`, () => this.lines().includes(line));
  }

  lines() {
    return this.said.split(/\r?\n/).map(line => line.replace(/^.*\r/, ''));
  }
}

/// What a request is answered: its status and text.
export async function get(port, path) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: answer.status, text: await answer.text() };
}

/// A way to the server that can be broken: cut at once, or silent in a direction.
export class Link {
  constructor(port) {
    this.sockets = new Set();
    this.isCut = false;
    this.isDeafUp = false;
    this.isDeafDown = false;
    this.server = net.createServer(near => {
      if (this.isCut) return near.destroy();
      const far = net.connect(port, '127.0.0.1');
      for (const [one, other] of [[near, far], [far, near]]) {
        this.sockets.add(one);
        one.on('data', bytes => {
          const isDeaf = one === near ? this.isDeafUp : this.isDeafDown;
          if (!isDeaf) other.write(bytes);
        });
        one.on('error', () => {});
        one.on('close', () => { this.sockets.delete(one); other.destroy(); });
      }
    });
    closers.push(() => { this.cut(); this.server.close(); });
  }

  async listen() {
    await new Promise(resolve => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    return this;
  }

  cut() {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend() {
    [this.isCut, this.isDeafUp, this.isDeafDown] = [false, false, false];
  }
}
