/**
 * The demo's question, and the line that asks it. The question is stored with its vector under itself as id, so the line
 * needs no file, no embedder and no working directory: it can be pasted anywhere that reaches the server.
 */

export const demoCollection = 'docs';

export const demoQuestion = 'How does a write become durable?';

export interface QuestionOptions {
  /** Where the server listens, for example http://127.0.0.1:8080. */
  readonly url: string;
  /** Whether the server asks for an API key. */
  readonly locked: boolean;
}

/** What to print below `listening on`: the question and a curl line for a POSIX shell. */
export function demoLines(options: QuestionOptions): readonly string[] {
  return ['', `Try it. "${demoQuestion}" asked of the documentation:`, '', `  ${curlLine(options)}`, ''];
}

function curlLine({ url, locked }: QuestionOptions): string {
  const body = {
    id: demoQuestion,
    k: 3,
    // Only chunks of pages have a source: the stored question would be its own best match.
    filter: 'EXISTS source',
    include: ['metadata.source', 'metadata.heading', 'metadata.text'],
  };
  // A key is never printed. Where there are several, the first will do.
  const key = locked ? ['-H "authorization: Bearer ${CAIRN_API_KEYS%%,*}"'] : [];
  return [
    `curl -s ${reachable(url)}/v1/collections/${demoCollection}/query`,
    ...key,
    "-H 'content-type: application/json'",
    `-d '${JSON.stringify(body)}'`,
  ].join(' ');
}

/** A server that listens on every address is reached on the loopback one. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}
