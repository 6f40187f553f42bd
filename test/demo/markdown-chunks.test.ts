import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chunkMarkdown } from '../../cli/demo/markdown-chunks.js';

const docs = new URL('../../docs/', import.meta.url);
const paragraph = (words: number): string => 'word '.repeat(words).trim();

describe('chunks of a page', () => {
  it('carry the headings above them', () => {
    const chunks = chunkMarkdown(
      'before\n\n# A\n\none\n\n## B\n\ntwo\n\n### C\n\nthree\n\n## D\n\nfour\n\n# E\n\nfive\n',
    );
    expect(chunks).toEqual([
      { heading: '', text: 'before' },
      { heading: 'A', text: 'one' },
      { heading: 'A > B', text: 'two' },
      { heading: 'A > B > C', text: 'three' },
      { heading: 'A > D', text: 'four' },
      { heading: 'E', text: 'five' },
    ]);
  });

  it('take no comment in code for a heading, and keep code whole', () => {
    const code = '```sh\n# no heading\n\nnpm start\n```';
    expect(chunkMarkdown(`# A\n\n${code}\n`)).toEqual([{ heading: 'A', text: code }]);
  });

  it('join short blocks and part long ones', () => {
    expect(chunkMarkdown('a\n\nb\n\nc')).toEqual([{ heading: '', text: 'a\n\nb\n\nc' }]);
    expect(chunkMarkdown(`${paragraph(90)}\n\n${paragraph(90)}`)).toHaveLength(2);
    expect(chunkMarkdown(paragraph(1_000)).length).toBeGreaterThan(3);
  });

  it('repeat the header of a table that is parted', () => {
    const header = '| name | for |\n|---|---|';
    const rows = Array.from({ length: 40 }, (_, i) => `| row ${i} | ${paragraph(10)} |`);
    const chunks = chunkMarkdown([header, ...rows].join('\n'));
    expect(chunks.length).toBeGreaterThan(2);
    for (const { text } of chunks) expect(text.startsWith(`${header}\n| row`)).toBe(true);
  });

  it.each(readdirSync(docs).filter((name) => name.endsWith('.md')))('lose nothing of docs/%s', (name) => {
    const page = readFileSync(new URL(name, docs), 'utf8');
    const chunks = chunkMarkdown(page);
    const kept = new Set(chunks.flatMap(({ text }) => text.split('\n')));
    const lines = page.split('\n').filter((line) => line.trim() !== '' && !/^#{1,6} /.test(line));
    expect(lines.filter((line) => line.length <= 900 && !kept.has(line))).toEqual([]);
    for (const { text } of chunks) expect(text.length).toBeLessThan(1_500);
  });
});
