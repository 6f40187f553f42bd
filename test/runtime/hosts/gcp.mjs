/**
 * Serves a bundle as Google Cloud Functions do, by the framework that runs there: `node gcp.mjs FOLDER`. The two functions are
 * deployed apart, and so each has a server of its own here; the scheduled event is a CloudEvent in binary mode.
 */
import { createRequire } from 'node:module';
import { importMain, listen, ready } from './bundle-folder.mjs';

const require = createRequire(import.meta.url);
const { cloudEvent, http } = require('@google-cloud/functions-framework');
const { getTestServer } = require('@google-cloud/functions-framework/testing');

const { cairn, maintain } = await importMain();
http('cairn', cairn);
cloudEvent('maintain', maintain);
// The framework's own command would listen on every interface.
const [url, schedule] = await Promise.all(['cairn', 'maintain'].map((name) => listen(getTestServer(name))));
ready({ url, schedule });
