import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { SpentMemory } from '../../core/store/adapters/bucket/spent-memory.js';

const BYTES = 65_536;

/** Stands in for a socket: what it emits is all that counts. */
function begin() {
  const socket = new EventEmitter();
  const spent = new SpentMemory(socket);
  const read = (bytes: number): Uint8Array => {
    const memory = new Uint8Array(bytes);
    socket.emit('data', memory);
    return memory;
  };
  return { socket, spent, read };
}

it('gives back a chunk and what the socket had read before it', () => {
  const { spent, read } = begin();
  const [first, second] = [read(BYTES), read(BYTES)];
  const chunk = new Uint8Array(BYTES);
  spent.giveBack(chunk);
  expect([first, second, chunk].map(({ length }) => length)).toEqual([0, 0, 0]);
});

it('leaves chunks that are views of something larger, and what was read with them', () => {
  const { spent, read } = begin();
  const memory = read(BYTES);
  spent.giveBack(memory.subarray(100));
  expect(memory).toHaveLength(BYTES);
  const [whole, next] = [read(BYTES), read(BYTES)];
  spent.giveBack(whole.subarray(0));
  expect([whole, next].map(({ length }) => length)).toEqual([BYTES, BYTES]);
});

it('lets go of the socket', () => {
  const { socket, spent, read } = begin();
  spent.end();
  const later = read(BYTES);
  spent.giveBack(new Uint8Array(BYTES));
  expect(later).toHaveLength(BYTES);
  expect(socket.listenerCount('data')).toBe(0);
});
