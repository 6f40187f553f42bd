/**
 * The warm cache on the Cache API, over a map that stands in for one: what is put under which address, and the caps. The thing itself
 * runs in test/runtime/workerd.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { cacheApi } from '../../core/store/index.js';
import type { WebCache } from '../../core/store/index.js';

function mapOfAnswers(): WebCache & { readonly kept: Map<string, Response> } {
  const kept = new Map<string, Response>();
  return {
    kept,
    match: async (address) => kept.get(address)?.clone(),
    put: async (address: string, answer: Response) => void kept.set(address, answer),
    delete: async (address) => kept.delete(address),
  };
}

const waitUntil = (): void => {};
const entry = (i: number, length: number = 100): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(i);

describe('entries', () => {
  it('come back as they were put, and are kept by the platform for long', async () => {
    const web = mapOfAnswers();
    const cache = cacheApi(web, { waitUntil });
    expect(await cache.get('s/c/o@1')).toBeUndefined();
    await cache.put('s/c/o@1', entry(1));
    await cache.put('s/c/o@1', entry(2));
    expect(await cache.get('s/c/o@1')).toEqual(entry(2));
    expect(await cacheApi(web, { waitUntil }).get('s/c/o@1')).toEqual(entry(2));
    const [[address, answer], ...others] = [...web.kept] as [[string, Response]];
    expect(others).toEqual([]);
    expect(new URL(address).hostname).toMatch(/\.invalid$/);
    expect(answer.headers.get('cache-control')).toContain('max-age=31536000');
  });

  it('are no more than the caps allow, the oldest going first', async () => {
    const web = mapOfAnswers();
    const cache = cacheApi(web, { bytes: 1_000, entryBytes: 300, waitUntil });
    await cache.put('large', entry(1, 301));
    expect(web.kept.size).toBe(0);
    for (let i = 0; i < 12; i++) await cache.put(`e${i}`, entry(i));
    await cache.put('e11', entry(11));
    await cache.put('e12', entry(12, 300));
    const names = [...web.kept.keys()].map((address) => new URL(address).pathname.slice(1));
    expect(names.toSorted()).toEqual(['e10', 'e11', 'e12', 'e5', 'e6', 'e7', 'e8', 'e9']);
  });

  it('may outlive their request, and a failure of theirs is told once', async () => {
    const waited: Promise<void>[] = [];
    const web = mapOfAnswers();
    const cache = cacheApi(web, { waitUntil: (filling) => void waited.push(filling) });
    await cache.put('a', entry(1));
    const failing = cacheApi(
      { ...web, put: () => Promise.reject(new Error('full')) },
      { waitUntil: (filling) => void waited.push(filling) },
    );
    await expect(failing.put('b', entry(1))).rejects.toThrow('full');
    expect(await Promise.all(waited)).toEqual([undefined, undefined]);
  });

  it('are nothing without a host that lets them end', () => {
    for (const options of [undefined, {}, { waitUntil: true }])
      expect(() => cacheApi(mapOfAnswers(), options as never)).toThrow('waitUntil');
  });
});
