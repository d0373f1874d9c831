/**
 * Mails everybody in a database: one by one, all at once, then by the hundred thousand with memory flat.
 *
 * Who got a mail and who could not is written back: run it again, and nobody who is recorded gets a second one.
 *
 *     npm run example send-mails                           200 000 recipients, to a sink in this process
 *     npm run example send-mails -- 1000 recipients.db     so many, kept in that file
 *     SMTP_URL=smtp://localhost:25 npm run example send-mails -- 1000
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CancelledError,
  ConnectionPool,
  coiterate,
  Deferred,
  DeferredList,
  DeferredSemaphore,
  gatherResults,
  inlineCallbacks,
} from "adbapi";
import { createTransport } from "nodemailer";
import { Progress } from "./send-mails/progress.js";
import { sink } from "./send-mails/sink.js";

const [total = "200000", file = join(tmpdir(), "adbapi-send-mails.db")] = process.argv.slice(2);
const pool = new ConnectionPool("better-sqlite3", file);
const atOnce = new DeferredSemaphore(20);
const transport = createTransport(
  process.env.SMTP_URL
    ? { url: process.env.SMTP_URL, pool: true, maxConnections: atOnce.limit, maxMessages: Infinity }
    : sink,
);

interface Recipient {
  readonly id: number;
  readonly address: string;
}

const progress = new Progress();
/** What is to be recorded: a transaction for every single mail would take longer than the mail. */
let outcomes: [state: string, error: string | null, id: number][] = [];

/** Fires once the mail is on its way, and fails when it cannot be; notes down which. */
function send({ id, address }: Recipient) {
  const text = `Dear ${address},\n\nthe pool is open.\n`;
  const letter = { from: "pool@example.com", to: address, subject: "News", text };
  return Deferred.fromPromise(transport.sendMail(letter)).addCallbacks(
    () => {
      progress.sent += 1;
      outcomes.push(["sent", null, id]);
    },
    (failure) => {
      progress.failed += 1;
      outcomes.push(["failed", failure.getErrorMessage(), id]);
      return failure;
    },
  );
}

const record = inlineCallbacks(function* () {
  const batch = outcomes;
  outcomes = [];
  if (batch.length === 0) return;
  yield* pool.runInteraction((transaction) =>
    transaction.executeMany("update recipients set state = ?, error = ? where id = ?", batch),
  );
});

const WAITING = "select id, address from recipients where state is null order by id";
const some = (limit: number) => pool.runQuery<Recipient>(`${WAITING} limit ?`, [limit]);

/** The first way: the next mail is begun when the last is done. */
const oneByOne = inlineCallbacks(function* (limit: number) {
  for (const recipient of yield* some(limit)) {
    try {
      yield* send(recipient);
    } catch (error) {
      console.log(`  ${recipient.address}: ${(error as Error).message}`);
    }
    yield* record();
  }
});

/** The second: all are begun at once; one step when every one of them has fired. Good for as many as fit in memory. */
const allAtOnce = inlineCallbacks(function* (limit: number) {
  const recipients = yield* some(limit);
  const results = yield* new DeferredList(recipients.map(send), { consumeErrors: true });
  const failed = results.filter(([success]) => !success);
  console.log(`  ${results.length - failed.length} sent, ${failed.length} failed`);
  yield* record();
});

/** The third: rows come from the database no faster than mails leave, a few at a time, and other work has its turns. */
function* byTheMillion() {
  const recipients = pool.runStream<Recipient>(WAITING)[Symbol.asyncIterator]();
  try {
    for (;;) {
      let next: IteratorResult<Recipient> | undefined;
      yield Deferred.fromPromise(recipients.next()).addCallback((result) => {
        next = result;
      });
      if (next === undefined || next.done) return;
      const recipient = next.value;
      yield atOnce.acquire().addCallback((slot) => {
        send(recipient).addBoth(() => slot[Symbol.dispose]());
      });
      if (outcomes.length >= 500) yield record();
    }
  } finally {
    recipients.return?.();
  }
}

const prepare = inlineCallbacks(function* () {
  yield* pool.runOperation(
    "create table if not exists recipients (id integer primary key, address text, state text, error text)",
  );
  yield* pool.runOperation(
    `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ?)
     insert or ignore into recipients (id, address)
     select n, 'reader' || n || iif(n % 10 = 0, '+bad', '') || '@example.com' from numbers`,
    [Number(total)],
  );
  const [row] = yield* pool.runQuery<{ left: number }>(
    "select count(*) as left from recipients where state is null",
  );
  return row?.left ?? 0;
});

const mailing = inlineCallbacks(function* () {
  const left = yield* prepare();
  console.log(`${left} of ${total} recipients are waiting, in ${file}`);
  progress.start(left);
  try {
    console.log("One by one:");
    yield* oneByOne(10);
    console.log("All at once:");
    yield* allAtOnce(100);
    console.log("By the million:");
    yield* coiterate(byTheMillion());
  } finally {
    // Also after a cancel: what is on its way arrives, and is recorded.
    yield* gatherResults(Array.from({ length: atOnce.limit }, () => atOnce.acquire()));
    yield* record();
    progress.end();
  }
});

const running = mailing();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => running.cancel());
running
  .addErrback((failure) => {
    failure.trap(CancelledError);
    console.log("Stopped: run it again for the rest.");
  })
  .finally(() => {
    transport.close();
    return pool.close();
  });
