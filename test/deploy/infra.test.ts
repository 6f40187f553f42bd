/**
 * Holds what infra/ has to its shape, and to the handlers that it is made for. Of the rules that judge templates and policies it is shown
 * that they bite.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/set-up.mjs';
import { templateProblems } from './cloud-formation.js';
import type { ServiceSpec, Template } from './cloud-formation.js';
import { actionsOf, statementProblems } from './iam-policy.js';
import type { PolicyStatement } from './iam-policy.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const parsed = (path: string): unknown => JSON.parse(read(path));

describe('permissions in S3', () => {
  const { Statement: statements } = parsed('infra/aws/server-policy.json') as {
    Statement: PolicyStatement[];
  };

  it('of a server are those that docs/STORES.md has a reason for', () => {
    expect(statements.flatMap(statementProblems)).toEqual([]);
    const section = /^\*\*Permissions\*\*, on the bucket and on `PREFIX\/\*`:\n([\s\S]*?)\n\n[^|]/m.exec(
      read('docs/STORES.md'),
    );
    const reasons = section?.[1]?.match(/s3:\w+/g) ?? [];
    expect(new Set(statements.flatMap(actionsOf))).toEqual(new Set(reasons));
  });

  it.each<[string, Partial<PolicyStatement>, RegExp]>([
    ['every action', { Action: 's3:*' }, /s3:\* is granted/],
    ['an action too many', { Action: ['s3:GetObject', 's3:PutBucketPolicy'] }, /PutBucketPolicy is granted/],
    ['every resource', { Resource: '*' }, /everything is granted/],
    ['everybody', { Principal: '*' }, /everybody/],
    ['no resource', { Resource: undefined }, /no resource/],
    ['an object action on a bucket', { Resource: 'arn:aws:s3:::b' }, /s3:GetObject means nothing/],
    ['a bucket action on objects', { Action: 's3:ListBucket' }, /s3:ListBucket means nothing/],
    ['a misspelt part', { Resouce: 'x' } as object, /no Resouce/],
    ['another effect', { Effect: 'Permit' }, /no effect Permit/],
  ])('are not %s', (_, change, problem) => {
    const good = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/p/*' };
    expect(statementProblems(good)).toEqual([]);
    expect(statementProblems({ ...good, ...change }).join()).toMatch(problem);
    expect(statementProblems({ ...good, ...change, Effect: 'Deny' }).join()).not.toMatch(/granted/);
  });
});

describe('the rules for templates', () => {
  const types = {
    'AWS::S3::Bucket': {
      properties: {
        Name: { type: { type: 'string' }, required: true },
        Size: { type: { type: 'integer' } },
        Rules: { type: { type: 'array', element: { type: 'ref', reference: {} } } },
        AccessControl: { type: { type: 'string' } },
      },
      attributes: { Arn: {} },
    },
    'AWS::Logs::LogGroup': { properties: { RetentionInDays: { type: { type: 'integer' } } }, attributes: {} },
  };
  const spec = {
    lookup: (_entity: string, _index: string, _by: string, type: keyof typeof types) =>
      types[type] === undefined ? [] : [types[type]],
    get: () => ({ properties: { Id: { type: { type: 'string' }, required: true } } }),
  } as unknown as ServiceSpec;
  const problemsOf = (Properties: object, others: object = {}): string =>
    templateProblems(
      { Resources: { A: { Type: 'AWS::S3::Bucket', Properties }, ...others } } as Template,
      spec,
    ).join('\n');

  it('let a good one pass', () => {
    const good = { Name: { 'Fn::Sub': '${A.Arn}-${AWS::Region}' }, Size: 1, Rules: [{ Id: 'x' }] };
    expect(problemsOf(good, { L: { Type: 'AWS::Logs::LogGroup', Properties: { RetentionInDays: 1 } } })).toBe(
      '',
    );
  });

  it.each<[string, object, object, RegExp]>([
    ['a type', {}, { B: { Type: 'AWS::S3::Bukket' } }, /knows no AWS::S3::Bukket/],
    ['a property', { Nane: 'x' }, {}, /knows no Nane/],
    ['a property that is not there', { Size: 1 }, {}, /Name is missing/],
    ['a value of another kind', { Name: 'x', Size: '1' }, {}, /Size is no number/],
    ['an inner property', { Name: 'x', Rules: [{ Id: 'x', Idd: 1 }] }, {}, /knows no Idd/],
    ['a list that is none', { Name: 'x', Rules: { Id: 'x' } }, {}, /Rules is no list/],
    ['a reference', { Name: { Ref: 'B' } }, {}, /^B$/],
    ['an attribute', { Name: { 'Fn::GetAtt': ['A', 'Arm'] } }, {}, /^A\.Arm$/],
    ['a reference within a text', { Name: { 'Fn::Sub': 'x-${B}' } }, {}, /^B$/],
    [
      'what it needs',
      { Name: 'x' },
      { L: { Type: 'AWS::S3::Bucket', Properties: { Name: 'x' }, DependsOn: 'M' } },
      /depends on M/,
    ],
    ['lines for ever', { Name: 'x' }, { L: { Type: 'AWS::Logs::LogGroup' } }, /for ever/],
    ['a list of who may', { Name: 'x', AccessControl: 'PublicRead' }, {}, /access control list/],
    [
      'a grant',
      { Name: 'x', Rules: [{ Id: { Statement: { Effect: 'Allow', Action: 's3:*', Resource: 'x' } } }] },
      {},
      /granted/,
    ],
  ])('refuse %s', (_, properties, others, problem) => {
    expect(problemsOf(properties, others)).toMatch(problem);
  });
});

describe('schedules', () => {
  const constant = (path: string, name: string): number =>
    Number(new RegExp(`const ${name} = ([\\d_]+);`).exec(read(path))?.[1]?.replaceAll('_', ''));

  it('let a run end by itself before the platform would end it', () => {
    const { functionTimeout } = parsed('infra/azure/host.json') as { functionTimeout: string };
    const [hours, minutes, seconds] = functionTimeout.split(':').map(Number);
    const azureMs = ((hours! * 60 + minutes!) * 60 + seconds!) * 1_000;
    expect(constant('functions/azure/index.ts', 'MAINTAIN_MS')).toBeLessThanOrEqual(azureMs - 15_000);
    const googleS = Number(/--timeout=(540)s --max-instances=1 /.exec(read('docs/deploy/gcp.md'))?.[1]);
    expect(constant('functions/gcp/index.ts', 'MAINTAIN_MS')).toBeLessThanOrEqual(googleS * 1_000 - 15_000);
  });

  it('come every five minutes everywhere', () => {
    expect(read('wrangler.toml')).toContain('crons = ["*/5 * * * *"]');
    expect(read('serverless.yml')).toContain('schedule: rate(5 minutes)');
    expect(read('docs/deploy/gcp.md')).toContain("--schedule='*/5 * * * *'");
    expect(read('functions/azure/index.ts')).toContain("schedule: '0 */5 * * * *'");
  });
});

describe('the host of Azure', () => {
  it('serves the app at the root, with the bundle of extensions that its timer comes from', () => {
    expect(parsed('infra/azure/host.json')).toMatchObject({
      version: '2.0',
      extensions: { http: { routePrefix: '' } },
      extensionBundle: { id: 'Microsoft.Azure.Functions.ExtensionBundle', version: '[4.*, 5.0.0)' },
    });
  });
});

describe('alarm policies of Google', () => {
  const files = readdirSync(join(root, 'infra/gcp'));

  it.each(files)('%s watches a function that the page deploys', (name) => {
    const { displayName, combiner, conditions } = parsed(`infra/gcp/${name}`) as {
      displayName: string;
      combiner: string;
      conditions: Readonly<Record<string, { filter: string; duration: string; aggregations: object[] }>>[];
    };
    expect({ displayName, combiner }).toEqual({
      displayName: expect.stringMatching(/^Cairn: /),
      combiner: 'OR',
    });
    expect(conditions).toHaveLength(1);
    const { conditionThreshold, conditionAbsent, displayName: _, ...others } = conditions[0]!;
    expect(others).toEqual({});
    const { filter, duration, aggregations } = (conditionThreshold ?? conditionAbsent)!;
    const service = /resource\.labels\.service_name = "([\w-]+)"/.exec(filter)?.[1];
    expect(read('docs/deploy/gcp.md')).toContain(`gcloud functions deploy ${service} `);
    expect(read('docs/deploy/gcp.md')).toContain(`--policy-from-file=infra/gcp/${name}`);
    expect(duration).toMatch(/^\d+s$/);
    expect(aggregations).toEqual([
      {
        alignmentPeriod: expect.stringMatching(/^\d+s$/),
        perSeriesAligner: 'ALIGN_DELTA',
        crossSeriesReducer: 'REDUCE_SUM',
      },
    ]);
  });
});

const systemd = '/usr/bin/systemd-analyze';

describe.skipIf(!existsSync(systemd))('the unit', () => {
  const verify = (path: string): string => spawnSync(systemd, ['verify', path], { encoding: 'utf8' }).stderr;

  it('is one that systemd reads without a word', () => {
    expect(verify(join(root, 'infra/node/cairn.service'))).toBe('');
    expect(verify(join(root, 'infra/azure/host.json'))).not.toBe('');
  });
});
