/** How pg turns the server's text into a value, and a value into text. */

export type ParseText = (text: string) => unknown;

/** The parser of a type, by the number that the server knows it by. */
export type GetParser = (oid: number) => ParseText;

export type PrepareValue = (value: unknown) => string | Buffer | null;
