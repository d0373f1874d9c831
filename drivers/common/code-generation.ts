/** Whether code may be made from strings here. */

let fixed: boolean | undefined;

/**
 * True under `--disallow-code-generation-from-strings`, and wherever else the engine refuses it: packages that read
 * rows by code of their own making are told to do without. Tried once, since a flag may come by several ways.
 */
export function codeIsFixed(): boolean {
  if (fixed === undefined) {
    try {
      new Function();
      fixed = false;
    } catch {
      fixed = true;
    }
  }
  return fixed;
}
