/**
 * Cloudflare Workers: `fetch` and `scheduled` over a bucket of R2 that the Worker has a binding of.
 *
 * Nothing happens at module load. One isolate serves many requests, and what the first of them have made serves all; but no promise
 * crosses from one to another, so early ones make it each for itself, and the first that is done leaves it to all.
 */
import {
  failureLine,
  maintenanceLine,
  misconfigured,
  mustHaveMaintained,
  problemAnswer,
  webResponse,
} from '../http/index.js';
import { Isolate } from './isolate.js';
import type { Environment } from './isolate.js';

let isolate: Isolate | undefined;
/** Whether the bucket was tested in this isolate: that is for the schedule, which can wait. */
let tested = false;

const worker: ExportedHandler<Environment> = {
  async fetch(request, environment): Promise<Response> {
    try {
      isolate ??= new Isolate(environment);
      return webResponse(await isolate.answer(request));
    } catch (error) {
      isolate = undefined;
      const failure = { requestId: crypto.randomUUID(), method: request.method, error: misconfigured(error) };
      console.log(failureLine(failure));
      return webResponse(problemAnswer(failure.error, failure.requestId));
    }
  },

  async scheduled(_event, environment): Promise<void> {
    isolate ??= new Isolate(environment);
    if (!tested) await isolate.testStore();
    tested = true;
    const result = await isolate.maintain();
    console.log(maintenanceLine(result));
    mustHaveMaintained(result);
  },
};

export { worker as default };
