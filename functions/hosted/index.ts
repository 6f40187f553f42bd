/** What the handlers of clouds that run Node have in common. */
export { Hosted, type HostedOptions } from './hosted.js';
export { bufferedRequest, type BufferedMessage } from './buffered-request.js';
