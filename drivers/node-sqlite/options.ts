/** Options of `new DatabaseSync(...)`. */
export interface NodeSqliteOptions {
  readonly readOnly?: boolean;
  /** How long to wait for another process's lock. @default 5000 */
  readonly timeout?: number;
  readonly enableForeignKeyConstraints?: boolean;
  readonly enableDoubleQuotedStringLiterals?: boolean;
}
