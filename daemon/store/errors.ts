/** Codes of the store. */
export type StoreErrorCode =
  | 'artifact_missing'
  | 'artifact_changed'
  | 'artifact_too_large'
  | 'artifact_redacted'
  | 'archive_damaged'
  | 'spool_exists'
  | 'invalid_id';

const WHAT_TO_DO: Record<StoreErrorCode, string> = {
  artifact_missing: 'There is no artifact with that digest. It was never stored, or was removed.',
  artifact_changed: 'The content of the artifact does not match its digest. Bring the file back from a copy; it is not used as it is.',
  artifact_too_large: 'The artifact is over the limit. Store less, or in parts.',
  artifact_redacted: 'The artifact was removed for good.',
  archive_damaged: 'A file of the archive is not what was written. Bring it back from a copy; nothing else depends on it.',
  spool_exists: 'The attempt has a spool already. Every attempt has one of its own.',
  invalid_id: 'The id of an attempt has 1 to 128 letters, digits, `.`, `_` and `-`, and begins with a letter or digit.',
};

/** A refusal of the store: what to do, and the facts. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  readonly facts: Readonly<Record<string, string | number>>;

  constructor(code: StoreErrorCode, facts: Record<string, string | number>) {
    super(WHAT_TO_DO[code]);
    this.code = code;
    this.facts = facts;
  }
}
