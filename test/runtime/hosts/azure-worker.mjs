/**
 * A stand-in for the Node worker of Azure Functions, which is not to be had as a package: what `@azure/functions` of a bundle talks to,
 * and what calls the functions that it registers. It gives the library its other half as the worker does, by answering
 * `require('@azure/functions-core')`.
 * https://github.com/Azure/azure-functions-nodejs-worker/blob/v4.x/src/setupCoreModule.ts
 */
import Module from 'node:module';
import process from 'node:process';

const functions = new Map();
let model;

/** Shows what an app's log would hold as a warning or worse. */
function log(level, category, message) {
  if (['warning', 'error', 'critical'].includes(level))
    process.stderr.write(`${level}, ${category}: ${message}\n`);
}

const core = {
  version: '0.0.0-stand-in',
  hostVersion: '4.0.0-stand-in',
  registerHook: () => undefined,
  setProgrammingModel: (given) => (model = given),
  getProgrammingModel: () => model,
  registerFunction: (metadata, callback) => functions.set(metadata.name, { metadata, callback }),
  log,
};

/** From now on. */
export function provideCore() {
  Module.prototype.require = new Proxy(Module.prototype['require'], {
    apply: (target, self, given) =>
      given[0] === '@azure/functions-core' ? core : Reflect.apply(target, self, given),
  });
}

/** Ends the start: the library may want more of the host than that it calls functions. */
export async function capabilities() {
  return await model.getCapabilities({});
}

/** The only function that has such a trigger, and the trigger. */
export function functionOf(triggerType) {
  const found = [...functions.values()].flatMap(({ metadata, callback }) => {
    const [name, trigger] = Object.entries(metadata.bindings).find(([, { direction }]) => direction === 'in');
    return trigger.type === triggerType ? [{ metadata, callback, name, trigger }] : [];
  });
  if (found.length !== 1) throw new Error(`${found.length} functions of ${triggerType}`);
  return found[0];
}

/** One invocation, from the data of its trigger to its return value as the host gets it. */
export async function invoke({ metadata, callback, name }, { invocationId, data, triggerMetadata = {} }) {
  const request = { inputData: [{ name, data }], triggerMetadata };
  const invocation = model.getInvocationModel({ invocationId, request, metadata, log });
  const { context, inputs } = await invocation.getArguments();
  const result = await invocation.invokeFunction(context, inputs, callback);
  return (await invocation.getResponse(context, result)).returnValue;
}
