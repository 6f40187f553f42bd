import { expect, test } from 'vitest';
import { Calls } from '../../core/engine/calls.js';

/** A call that ends when it is told to. */
function call(): {
  readonly run: () => Promise<string>;
  readonly end: () => void;
  readonly fail: () => void;
} {
  let end = (): void => {};
  let fail = (): void => {};
  const promise = new Promise<string>((resolve, reject) => {
    end = () => resolve('done');
    fail = () => reject(new Error('failed'));
  });
  return { run: () => promise, end, fail };
}

test('closing waits for every call, however it ends, and refuses others', async () => {
  const calls = new Calls();
  const [short, failing, long] = [call(), call(), call()];
  const ran = [calls.run(short.run), calls.runLong(long.run)];
  const failed = calls.run(failing.run);
  let closed = 0;
  const closes = [calls.close(), calls.close()].map((close) => close.then(() => closed++));
  expect(calls.closing).toBe(true);
  for (const run of ['run', 'runLong'] as const)
    expect(() => calls[run](short.run)).toThrow('the database was closed');
  failing.fail();
  await expect(failed).rejects.toThrow('failed');
  long.end();
  await ran[1];
  await new Promise((resolve) => setTimeout(resolve));
  expect(closed).toBe(0);
  short.end();
  expect(await Promise.all(ran)).toEqual(['done', 'done']);
  await Promise.all(closes);
  await calls.close();
});

test('somebody waits while a call is under way that is no matter of minutes', async () => {
  const calls = new Calls();
  const [short, long] = [call(), call()];
  const ran = [calls.run(short.run), calls.runLong(long.run)];
  expect(calls.waitedFor).toBe(true);
  short.end();
  await ran[0];
  expect(calls.waitedFor).toBe(false);
  long.end();
  await ran[1];
  expect(calls.waitedFor).toBe(false);
  await calls.close();
});
