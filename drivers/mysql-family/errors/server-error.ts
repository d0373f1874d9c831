/** What both packages put on the errors that the server sent. */
export interface ServerError extends Error {
  code?: string | null | undefined;
  errno?: number | string | null | undefined;
  sqlState?: string | null | undefined;
  sqlMessage?: string | null | undefined;
  sql?: string | null | undefined;
  fatal?: boolean | undefined;
}
