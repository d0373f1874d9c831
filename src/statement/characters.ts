/** The kinds of characters that PostgreSQL and MySQL read SQL by, as codes. NaN, behind the end of a text, is none. */

export function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

export function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** What names, keywords, numbers and `$1` are made of: whatever is not ASCII is a letter. */
export function isWord(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === 0x5f || code === 0x24 || code >= 0x80;
}
