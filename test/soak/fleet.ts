/** All processes of a run: starts them, kills, stops and starts again, and gathers what they say. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from '../log/virtual-time.js';
import { Child } from './child-process.js';
import type { Order, Part, Sample, Word } from './messages.js';

export interface FleetOptions {
  readonly file: string;
  readonly folder: string;
  readonly workers: number;
  readonly seed: number;
  readonly skipFence: boolean;
}

interface Member {
  readonly name: string;
  readonly part: Part;
  child: Child;
  ready: boolean;
  paused: boolean;
}

/** The one process with lanes that is only stopped, never killed: what it holds over the whole run is what must not grow. */
export const ELDER = 'lanes-0';
const COLLECTOR = 'collector';
const WAIT_MS = 25;
const PATIENCE_MS = { ready: 120_000, paused: 240_000, exit: 60_000 };

export class Fleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<string, Member>();
  readonly tallies = new Map<string, number>();
  readonly samples: { readonly name: string; readonly sample: Sample }[] = [];
  /** What must never be, as it was said. */
  readonly wrongs: string[] = [];
  /** The collector has just begun anew. */
  onCollecting: () => void = () => {};
  #ending = false;
  /** The last one that was asked. */
  #asked: Child | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  start(): void {
    for (let worker = 0; worker < this.#options.workers; worker++)
      this.#add(`lanes-${worker}`, 'lanes', worker);
    this.#add('compactor', 'compactor', 0);
    this.#add(COLLECTOR, 'collector', 0);
  }

  #add(name: string, role: Part['role'], worker: number): void {
    const part = this.#part(role, worker);
    const member: Member = { name, part, child: undefined!, ready: false, paused: false };
    member.child = this.#spawn(member);
    this.#members.set(name, member);
  }

  #part(role: Part['role'], worker: number): Part {
    const { folder, workers, seed, skipFence } = this.#options;
    return { role, folder, workers, worker, seed, skipFence };
  }

  #spawn(member: Member): Child {
    const { file } = this.#options;
    const { name, part } = member;
    Object.assign(member, { ready: false, paused: false });
    const child = new Child({ file, part, name, hear: (word) => this.#hear(member, word) });
    void this.#watch(child);
    return child;
  }

  async #watch({ name, exited }: Child): Promise<void> {
    const how = await exited;
    if (how !== 'SIGKILL' && !this.#ending) this.wrongs.push(`${name} ended by itself: ${how}`);
  }

  #hear(member: Member, word: Word): void {
    if (word.is === 'ready') member.ready = true;
    else if (word.is === 'paused') member.paused = true;
    else if (word.is === 'wrong') this.wrongs.push(`${member.name}: ${word.text}`);
    else if (word.is === 'sample') this.#sample(member.name, word.sample);
    else if (word.is === 'collecting') this.onCollecting();
    else if (word.is === 'tally')
      for (const [what, count] of Object.entries(word.counts)) this.tally(what, count);
  }

  #sample(name: string, sample: Sample): void {
    this.samples.push({ name, sample });
    appendFileSync(
      join(this.#options.folder, 'log', 'samples.ndjson'),
      `${JSON.stringify({ name, ...sample })}\n`,
    );
  }

  tally(what: string, more = 1): void {
    this.tallies.set(what, (this.tallies.get(what) ?? 0) + more);
  }

  /** Of all that may be killed at any time. */
  drawVictim(chance: Chance): string {
    return chance.pick([...this.#members.keys()].filter((name) => name !== ELDER && name !== COLLECTOR));
  }

  drawAny(chance: Chance): string {
    return chance.pick([...this.#members.keys()]);
  }

  /** With SIGKILL, and started again. */
  async kill(name: string): Promise<void> {
    const member = this.#members.get(name)!;
    this.#note(`kill ${name}`);
    await member.child.kill();
    this.tally(`kills: ${member.part.role}`);
    member.child = this.#spawn(member);
  }

  async killCollector(): Promise<void> {
    await this.kill(COLLECTOR);
  }

  /** Nothing where it is stopped already, or has not begun to work. */
  async stopFor(name: string, ms: number): Promise<void> {
    const { child, ready } = this.#members.get(name)!;
    if (child.stopped || !child.running || !ready) return;
    this.#note(`stop ${name} for ${ms} ms`);
    child.stop();
    this.tally(ms < 10_000 ? 'stops: short' : 'stops: long');
    await sleep(ms);
    if (child.running) child.goOn();
  }

  /** As evidence. */
  #note(event: string): void {
    const file = join(this.#options.folder, 'log', 'events');
    appendFileSync(file, `${new Date().toISOString()} ${event}\n`);
  }

  wake(): void {
    for (const { child } of this.#members.values()) if (child.stopped && child.running) child.goOn();
  }

  /** Every lane comes to rest with nothing in doubt. */
  async pause(): Promise<void> {
    this.#note('pause');
    this.wake();
    await this.#order('pause', ({ paused }) => paused, PATIENCE_MS.paused);
  }

  resume(): void {
    for (const member of this.#lanes()) {
      member.paused = false;
      member.child.order('resume');
    }
  }

  async #order(order: Order, done: (member: Member) => boolean, patienceMs: number): Promise<void> {
    for (const member of this.#lanes()) await this.#until(`${member.name} ready`, () => member.ready);
    for (const { child } of this.#lanes()) child.order(order);
    for (const member of this.#lanes())
      await this.#until(`${member.name} ${order}d`, () => done(member), patienceMs);
  }

  #lanes(): readonly Member[] {
    return [...this.#members.values()].filter(({ part }) => part.role === 'lanes');
  }

  /** Ends early where something is wrong. */
  async #until(what: string, holds: () => boolean, patienceMs = PATIENCE_MS.ready): Promise<void> {
    const until = performance.now() + patienceMs;
    while (!holds() && this.wrongs.length === 0) {
      if (performance.now() > until) this.wrongs.push(`waited ${patienceMs} ms for: ${what}`);
      await sleep(WAIT_MS);
    }
  }

  /** By order: each closes its database, and has to end by itself then. */
  async end(): Promise<void> {
    this.#ending = true;
    this.wake();
    for (const member of this.#members.values()) {
      await this.#until(`${member.name} ready`, () => member.ready);
      member.child.order('stop');
    }
    const late = sleep(PATIENCE_MS.exit, 'no end', { ref: false });
    for (const { name, child } of this.#members.values()) {
      const how = await Promise.race([child.exited, late]);
      if (how !== 0) this.wrongs.push(`${name} was told to stop, and the end of it was: ${how}`);
    }
  }

  async killAll(): Promise<void> {
    this.#ending = true;
    const members = [...this.#members.values()].map(({ child }) => child.kill());
    await Promise.all([...members, this.#asked?.kill() ?? Promise.resolve()]);
  }

  /** A further process, for one job. Answers with what it has to say, or undefined where something is wrong. */
  async ask(role: 'prepare' | 'check' | 'settle'): Promise<Word | undefined> {
    const { file } = this.#options;
    let answer: Word | undefined;
    let lateMs = Infinity;
    const hear = (word: Word): void => {
      // What it has closed holds it no longer.
      lateMs = performance.now() + PATIENCE_MS.exit;
      if (word.is === 'wrong') this.wrongs.push(`${role}: ${word.text}`);
      else answer = word;
    };
    const child = new Child({ file, part: this.#part(role, 0), name: role, hear });
    this.#asked = child;
    while (child.running && performance.now() < lateMs) await sleep(WAIT_MS);
    const how = child.running ? 'none' : await child.exited;
    if (how !== 0 && this.wrongs.length === 0) this.wrongs.push(`the end of ${role} was: ${how}`);
    return answer;
  }
}
