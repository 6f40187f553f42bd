/** What a platform takes and gives, in bytes, where that is less than the app would: refusals name it. */
export interface PlatformLimits {
  /** As its makers call it. */
  readonly name: string;
  /** Of a body as it is sent. */
  readonly sentBytes?: number;
  /** Of a body when it is inflated. */
  readonly bodyBytes?: number;
  /** Of the body of an answer. */
  readonly answerBytes?: number;
}
