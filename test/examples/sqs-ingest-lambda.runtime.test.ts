/**
 * What `npm run deploy` of examples/sqs-ingest-lambda would make at AWS: its serverless.yml, packaged by osls as it stands in the
 * example, without a network.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRuntimes } from '../runtime/install.js';
import { copyExample } from './copied-example.js';
import type { CopiedExample } from './copied-example.js';

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

interface Statement {
  readonly Action: readonly string[];
  readonly Resource: unknown;
}

describe.skipIf(!hasRuntimes())('serverless.yml of examples/sqs-ingest-lambda', () => {
  let example: CopiedExample;
  let resources: Readonly<Record<string, Resource>>;

  beforeAll(() => {
    example = copyExample('sqs-ingest-lambda');
    example.run('bundle');
    example.run('package', '--param=bucket=my-bucket');
    const template = join(example.folder, '.serverless/cloudformation-template-update-stack.json');
    resources = (JSON.parse(readFileSync(template, 'utf8')) as { Resources: typeof resources }).Resources;
  }, 300_000);
  afterAll(() => example.remove());

  const ofType = (type: string): readonly Resource['Properties'][] =>
    Object.values(resources).flatMap(({ Type, Properties }) => (Type === type ? [Properties] : []));

  it('lets the functions do what they need, and nothing else', () => {
    const [role, ...others] = ofType('AWS::IAM::Role');
    expect(others).toEqual([]);
    const [{ PolicyDocument }] = role!['Policies'] as [
      { readonly PolicyDocument: { readonly Statement: readonly Statement[] } },
    ];
    const allowed = PolicyDocument.Statement.filter(({ Action }) => !Action[0]!.startsWith('logs:'));
    expect(allowed).toEqual([
      {
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
        Resource: 'arn:aws:s3:::my-bucket/cairn/*',
      },
      {
        Effect: 'Allow',
        Action: ['s3:ListBucket'],
        Resource: 'arn:aws:s3:::my-bucket',
        Condition: { StringLike: { 's3:prefix': 'cairn/*' } },
      },
      {
        Effect: 'Allow',
        Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
        Resource: [{ 'Fn::GetAtt': ['Queue', 'Arn'] }],
      },
    ]);
  });

  it('has the queue deliver to the handler, which may refuse single messages', () => {
    expect(ofType('AWS::Lambda::EventSourceMapping')).toEqual([
      expect.objectContaining({
        EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      }),
    ]);
    const handlers = ofType('AWS::Lambda::Function').map(({ Handler }) => Handler);
    expect(handlers).toEqual(['build/handler.handler', 'build/handler.maintain']);
  });

  it('puts aside what fails again and again, and hides a message for longer than the function may take', () => {
    const [queue, deadLetters] = ofType('AWS::SQS::Queue');
    expect(queue).toMatchObject({
      VisibilityTimeout: 360,
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] }, maxReceiveCount: 5 },
    });
    expect(deadLetters).toMatchObject({ MessageRetentionPeriod: 1_209_600 });
  });
});
