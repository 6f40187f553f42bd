/** Findings as they are gathered: all are counted, and of each severity the first are kept. */
import type { CairnError } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import type { ScrubErrorCode, ScrubFinding, ScrubFindings, ScrubNoticeCode } from '../interface/index.js';

/** Where and what: `key`, and what there is to say of it. */
export interface Place {
  readonly key: string;
  readonly message: string;
  readonly offset?: number | undefined;
  readonly repaired?: boolean | undefined;
}

type Severity = ScrubFinding['severity'];

export class FindingList {
  readonly #kept: ScrubFinding[] = [];
  readonly #counts: Record<Severity, number> = { error: 0, notice: 0 };

  error(code: ScrubErrorCode, place: Place): void {
    this.#add(code, 'error', place);
  }

  notice(code: ScrubNoticeCode, place: Place): void {
    this.#add(code, 'notice', place);
  }

  /** Of an error that says where the object is damaged. A copy of a head is opened as that head: `key` says what it is. */
  corrupt(code: ScrubErrorCode, { details }: CairnError, key: string = String(details['key'])): void {
    const { offset, expected, found } = details;
    const message = `expected ${String(expected)}, found ${String(found)}`;
    this.error(code, { key, message, offset: typeof offset === 'number' ? offset : undefined });
  }

  get result(): ScrubFindings {
    const { error: errors, notice: notices } = this.#counts;
    return { errors, notices, findings: this.#kept };
  }

  #add(code: ScrubFinding['code'], severity: Severity, place: Place): void {
    const { key, message, offset, repaired } = place;
    this.#counts[severity]++;
    if (this.#counts[severity] > limits.scrubFindings) return;
    this.#kept.push({
      code,
      severity,
      key,
      message,
      ...(offset === undefined ? {} : { offset }),
      ...(repaired === true ? { repaired } : {}),
    });
  }
}
