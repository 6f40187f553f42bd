/** A child seen from the parent: what it last said, and how it ends. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Order, Part, Word } from './messages.js';

export interface ChildOptions {
  /** The bundle. */
  readonly file: string;
  readonly part: Part;
  readonly name: string;
  readonly hear: (word: Word) => void;
}

/** A heap that what leaks would soon fill, and garbage collected on demand, so that samples tell what is held. */
const FLAGS = ['--expose-gc', '--max-old-space-size=256'];

export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  /** Code or signal. */
  readonly exited: Promise<number | NodeJS.Signals>;
  running = true;
  stopped = false;

  constructor({ file, part, name, hear }: ChildOptions) {
    this.name = name;
    const log = openSync(join(part.folder, 'log', name), 'a');
    this.#process = spawn(process.execPath, [...FLAGS, file, JSON.stringify(part)], {
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.#process.on('message', (word) => hear(word as Word));
    this.exited = new Promise((resolve, reject) => {
      this.#process.on('error', reject);
      this.#process.on('exit', (code, signal) => {
        this.running = false;
        resolve(code ?? signal!);
      });
    });
  }

  order(order: Order): void {
    // One that has just died has no line any more, which its exit tells.
    if (this.#process.connected) this.#process.send(order, () => {});
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.exited;
  }

  stop(): void {
    this.stopped = true;
    this.#process.kill('SIGSTOP');
  }

  goOn(): void {
    this.stopped = false;
    this.#process.kill('SIGCONT');
  }
}
