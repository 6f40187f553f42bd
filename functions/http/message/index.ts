/** What the app takes and gives. */
export {
  webResponse,
  type BodyReader,
  type BodyStream,
  type HttpAnswer,
  type HttpHeaders,
  type HttpRequest,
} from './http-message.js';
export type { PlatformLimits } from './platform-limits.js';
