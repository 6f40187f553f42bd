/**
 * Cloudflare Workers: `fetch` and `scheduled` over a bucket of R2 that the Worker has a binding of.
 *
 * Nothing happens at module load, and little is even made: schemas of all routes take longer than all else together, and a start is
 * held to a limit that an event is not. So the handlers are imported by the first event; a bundler lays them into the same file.
 */
import type { Environment } from './variables.js';

const worker: ExportedHandler<Environment> = {
  async fetch(request, environment, context): Promise<Response> {
    const { answer } = await import('./handlers.js');
    const answering = answer(request, environment);
    // A caller that leaves would else end it anywhere, and what it holds of the isolate would be held for ever.
    context.waitUntil(answering);
    return await answering;
  },

  async scheduled(_event, environment): Promise<void> {
    const { maintain } = await import('./handlers.js');
    await maintain(environment);
  },
};

export { worker as default };
