/**
 * What the operating system's refusals mean to a user of the store: one table from errno to CairnError.
 */
import { CairnError, isCairnError } from '../../../base/errors.js';
import type { ErrorKind } from '../../../base/errors.js';

export type FileAccess = 'read' | 'write' | 'delete';

interface FileFailure {
  readonly access: FileAccess;
  readonly path: string;
}

interface Meaning {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly says: string;
}

const full: Meaning = { kind: 'unavailable', code: 'store_full', says: 'no space is left for' };
const layout: Meaning = {
  kind: 'corrupt',
  code: 'store_layout',
  says: "something that is not the store's stands at",
};
const busy: Meaning = {
  kind: 'unavailable',
  code: 'store_unavailable',
  says: 'the file system cannot serve',
};
const readOnly: Meaning = { kind: 'forbidden', code: 'store_read_only', says: 'no permission to write' };
const unreadable: Meaning = { kind: 'forbidden', code: 'store_forbidden', says: 'no permission to read' };
const gone: Meaning = { kind: 'not_found', code: 'store_not_found', says: 'the store is gone:' };
const tooLong: Meaning = {
  kind: 'invalid',
  code: 'key_too_long',
  says: 'the file system has no name so long as',
};

const meanings: ReadonlyMap<string, Meaning> = new Map([
  ['ENOSPC', full],
  ['EDQUOT', full],
  // The file size limit of the process or of the file system.
  ['EFBIG', full],
  ['ENAMETOOLONG', tooLong],
  ['ENOTDIR', layout],
  ['EISDIR', layout],
  ['EEXIST', layout],
  ['ELOOP', layout],
  ['ENOENT', gone],
]);

const forbidden: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS']);

export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  const code = errnoOf(error);
  return code !== undefined && !isCairnError(error) && codes.includes(code);
}

/** Anything that is no system error passes as it is. A write that fails with it had no effect. */
export function fileError(error: unknown, failure: FileFailure): unknown {
  const errno = errnoOf(error);
  if (isCairnError(error) || errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) return error;
  const { access, path } = failure;
  const denied = access === 'read' ? unreadable : readOnly;
  const meaning = forbidden.has(errno) ? denied : (meanings.get(errno) ?? busy);
  return new CairnError(meaning.kind, meaning.code, `${meaning.says} ${path} (${errno})`, {
    details: { path, errno },
    cause: error,
    ...(access === 'write' ? { outcome: 'not_applied' as const } : {}),
  });
}
