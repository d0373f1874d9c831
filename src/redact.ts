/**
 * Params never show in an error: not in messages, stacks, causes, `util.inspect` or JSON. Servers quote values in their messages, cut
 * and escaped in their own ways, and packages hang them on their errors.
 */
const removed = "…";

/** Properties of packages' errors that carry values: kept for those who ask for them by name, but seen by nobody else. */
const valueBearing = [
  "detail",
  "where",
  "internalQuery",
  "hint",
  "sqlMessage",
  "text",
  "parameters",
  "values",
] as const;

/** Properties of packages' errors that name things of the schema, which the message may go on naming. */
const naming = ["schema", "table", "column", "constraint", "dataType", "routine"] as const;

/** Texts of this length are removed wherever they stand, also when the server cut their end; shorter ones need borders. */
const unmistakable = 8;

/** A shorter text than this is removed between quotes only: it may be part of any sentence. */
const telling = 4;

/**
 * Removes the values of a statement's params, or of a list of them, from its error and from the errors that led to it, in place.
 * Without params it still hides what shows stored values. Never throws.
 */
export function redactParams(error: unknown, params: unknown): void {
  try {
    const secrets = textsOf(params);
    const chain = chainOf(error);
    const known = new Set(chain.flatMap((link) => naming.map((name) => link[name])));
    const sql = chain.map((link) => link.sql).find((text) => typeof text === "string") ?? "";
    const redact = (text: string) =>
      redactText(text, secrets, (name) => known.has(name) || (sql as string).includes(name));
    for (const link of chain) redactLink(link, redact);
  } catch {
    // A hostile error (a Proxy, a frozen one): the error itself is still the better news.
  }
}

type Link = Error & Record<string, unknown>;

/** The error, its causes, and the errors of an AggregateError; each once. */
function chainOf(error: unknown): readonly Link[] {
  const chain = new Set<Link>();
  const queue = [error];
  while (queue.length > 0 && chain.size < 32) {
    const next = queue.shift();
    if (!(next instanceof Error) || chain.has(next as Link)) continue;
    chain.add(next as Link);
    queue.push(next.cause, ...((next as { errors?: unknown[] }).errors ?? []));
  }
  return [...chain];
}

function redactLink(link: Link, redact: (text: string) => string): void {
  const message = link.message;
  const clean = redact(message);
  if (clean !== message) {
    const stack = link.stack;
    link.message = clean;
    if (stack !== undefined)
      link.stack = stack.includes(message) ? stack.replaceAll(message, () => clean) : redact(stack);
  }
  for (const name of valueBearing) {
    if (!Object.hasOwn(link, name)) continue;
    const value = link[name];
    Object.defineProperty(link, name, {
      value: typeof value === "string" ? redact(value.replace(listedValues, `$1(${removed})`)) : undefined,
      enumerable: false,
      configurable: true,
      writable: true,
    });
  }
  if (typeof link.sql === "string" && listedParams.test(link.sql))
    link.sql = link.sql.replace(listedParams, "");
}

/** mariadb lists the params behind the statement. */
const listedParams = / - parameters:\[.*$/s;

/** A key or a row in PostgreSQL's `detail`: `Key (email)=(a@b.c) already exists.`, `Failing row contains (1, null, …).` */
const listedValues = /(=|contains )\(.*\)/s;

const quoted = /"([^"]*)"|'([^']*)'/g;

function redactText(text: string, secrets: readonly string[], isName: (text: string) => boolean): string {
  let clean = removeRuns(text.replace(listedParams, ""), secrets);
  for (const secret of secrets) if (clean.includes(secret)) clean = removeWhole(clean, secret);
  return clean.replace(quoted, (segment: string, double: string | undefined, single: string | undefined) => {
    const inner = double ?? single ?? "";
    const rest = redactQuoted(inner, secrets, isName);
    return rest === inner ? segment : segment[0] + rest + segment[0];
  });
}

/** Removes what begins as an unmistakable secret does, as far as it goes on so; of several that begin alike, the longest. */
function removeRuns(text: string, secrets: readonly string[]): string {
  const ends = new Map<number, number>();
  for (const secret of secrets) {
    if (secret.length < unmistakable) continue;
    const start = secret.slice(0, unmistakable);
    for (let at = text.indexOf(start); at !== -1; at = text.indexOf(start, at + 1)) {
      let length = unmistakable;
      while (length < secret.length && text[at + length] === secret[length]) length++;
      ends.set(at, Math.max(ends.get(at) ?? 0, at + length));
    }
  }
  let clean = "";
  let from = 0;
  for (const [start, end] of [...ends].sort(([a], [b]) => a - b)) {
    if (start >= from) clean += text.slice(from, start) + removed;
    from = Math.max(from, end);
  }
  return clean + text.slice(from);
}

function removeWhole(text: string, secret: string): string {
  const clean = text.replaceAll(`"${secret}"`, `"${removed}"`).replaceAll(`'${secret}'`, `'${removed}'`);
  return secret.length >= telling && !/^[-\d.e+]+$/.test(secret) ? replaceBordered(clean, secret) : clean;
}

/** Between quotes: a piece of a secret, or several values in one, as in MySQL's `Duplicate entry 'a-b'`. */
function redactQuoted(inner: string, secrets: readonly string[], isName: (text: string) => boolean): string {
  if (escapedByte.test(inner)) return removed;
  if (inner.length >= telling && !isName(inner) && secrets.some((secret) => holds(secret, inner)))
    return removed;
  return secrets.reduce(replaceBordered, inner);
}

/** MySQL writes bytes of values that it cannot show as `\xC3`. */
const escapedByte = /\\x[0-9A-F]{2}/;

/** PostgreSQL may show a piece in lower case: `time zone "europe/atlantis" not recognized`. */
function holds(secret: string, piece: string): boolean {
  return secret.includes(piece) || (secret.length < 65_536 && secret.toLowerCase().includes(piece));
}

function replaceBordered(text: string, secret: string): string {
  if (secret === "" || !text.includes(secret)) return text;
  let clean = "";
  let from = 0;
  for (let at = text.indexOf(secret); at !== -1; at = text.indexOf(secret, at + secret.length)) {
    if (isWordAt(text, at - 1) || isWordAt(text, at + secret.length)) continue;
    clean += text.slice(from, at) + removed;
    from = at + secret.length;
  }
  return clean + text.slice(from);
}

function isWordAt(text: string, index: number): boolean {
  return /[\p{L}\p{N}_]/u.test(text.charAt(index));
}

/** Every text that a server could show of the params, the longest first, so that no part of one is left behind. */
function textsOf(params: unknown): string[] {
  const texts = new Set<string>();
  collect(params, texts, new Set());
  texts.delete("");
  return [...texts].sort((a, b) => b.length - a.length);
}

function collect(value: unknown, texts: Set<string>, seen: Set<object>): void {
  if (typeof value === "string") texts.add(value);
  else if (typeof value === "number" || typeof value === "bigint") texts.add(String(value));
  else if (typeof value !== "object" || value === null || seen.has(value)) return;
  else if (value instanceof Date) collectDate(value, texts);
  else if (ArrayBuffer.isView(value)) collectBytes(value, texts);
  else {
    seen.add(value);
    for (const inner of Object.values(value)) collect(inner, texts, seen);
  }
}

function collectDate(date: Date, texts: Set<string>): void {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  for (const iso of [date.toISOString(), local.toISOString()]) {
    texts.add(iso.slice(0, 10)).add(iso.slice(11, 19));
  }
}

function collectBytes(view: ArrayBufferView, texts: Set<string>): void {
  const bytes = Buffer.from(view.buffer, view.byteOffset, Math.min(view.byteLength, 4096));
  texts.add(bytes.toString("utf8")).add(bytes.toString("hex"));
}
