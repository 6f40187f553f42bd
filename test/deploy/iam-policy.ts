/** What a statement of an IAM policy may grant. */

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Principal?: unknown;
  readonly Action?: string | readonly string[];
  readonly Resource?: unknown;
  readonly Condition?: unknown;
}

const known = ['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition'];

/** Everything that Cairn does, and what runs it: docs/STORES.md has what each is for. */
const granted = [
  's3:ListBucket',
  's3:GetObject',
  's3:PutObject',
  's3:DeleteObject',
  's3:AbortMultipartUpload',
  'logs:CreateLogStream',
  'logs:PutLogEvents',
  'sts:AssumeRole',
];

/** Actions of a bucket, which take its name and not those of its objects. */
const ofBuckets = ['s3:ListBucket'];

export const actionsOf = ({ Action = [] }: PolicyStatement): readonly string[] => [Action].flat();

/** Empty where all is well. A denial may be as wide as it likes. */
export function statementProblems(statement: PolicyStatement): string[] {
  const { Effect, Principal, Resource } = statement;
  const strange = Object.keys(statement).filter((key) => !known.includes(key));
  const problems = strange.map((key) => `a policy has no ${key}`);
  if (Effect === 'Deny') return problems;
  if (Effect !== 'Allow') return [...problems, `a policy has no effect ${Effect}`];
  const resources = [Resource ?? []]
    .flat()
    .map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  const actions = actionsOf(statement);
  const isTrust = Principal !== undefined;
  return [
    ...problems,
    ...actions.filter((action) => !granted.includes(action)).map((action) => `${action} is granted`),
    ...resources.filter((one) => one === '*').map(() => 'everything is granted'),
    ...(Principal === '*' || JSON.stringify(Principal) === '{"AWS":"*"}'
      ? ['everybody is granted something']
      : []),
    ...(resources.length === 0 && !isTrust ? ['a statement has no resource'] : []),
    ...actions.flatMap((action) => {
      if (!action.startsWith('s3:')) return [];
      const wrong = resources.filter((one) => /:s3:::[^/"]*\//.test(one) === ofBuckets.includes(action));
      return wrong.map((one) => `${action} means nothing on ${one}`);
    }),
  ];
}
