/** How a package's connection shows itself in logs: without its configuration, and what of that is secret. */
export function showOnlyId(native: { readonly threadId: number | null }, name: string): void {
  Object.defineProperty(native, Symbol.for("nodejs.util.inspect.custom"), {
    value: () => `${name} Connection { threadId: ${native.threadId} }`,
  });
}
