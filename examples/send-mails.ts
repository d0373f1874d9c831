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
import { type Recipient, Recipients } from "./send-mails/recipients.js";
import { sink } from "./send-mails/sink.js";

const [total = "200000", file = join(tmpdir(), "adbapi-send-mails.db")] = process.argv.slice(2);
const pool = new ConnectionPool("better-sqlite3", file);
const recipients = new Recipients(pool);
const progress = new Progress();
const atOnce = new DeferredSemaphore(20);
/** The longest that a mail server may say nothing. */
const PATIENCE = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 60_000 };
const transport = createTransport(
  process.env.SMTP_URL
    ? {
        url: process.env.SMTP_URL,
        pool: true,
        maxConnections: atOnce.limit,
        maxMessages: Infinity,
        ...PATIENCE,
      }
    : sink,
);

/**
 * One mailbox, plainly written: a comma would make two of it, a line end a header of the mail, and what is invisible
 * another one than is read.
 */
const ADDRESS = /^[^\s\p{C}@<>()[\],;:\\"]{1,64}@[^\s\p{C}@<>()[\],;:\\"]{1,255}$/u;

/** An envelope of its own, too, so that no text of the mail can name another recipient. */
async function mail(address: string) {
  if (!ADDRESS.test(address)) throw Object.assign(new Error("553 not an address"), { responseCode: 553 });
  const text = `Dear ${address},\n\nthe pool is open.\n`;
  const from = "pool@example.com";
  const to = { name: "", address };
  return transport.sendMail({ from, to, envelope: { from, to: [address] }, subject: "News", text });
}

/**
 * Fires once the mail is on its way, and fails when it cannot be; notes down which, but for what the next run may mend.
 */
function send({ id, address }: Recipient) {
  return Deferred.fromPromise(mail(address)).addCallbacks(
    () => {
      progress.sent += 1;
      recipients.note(id);
    },
    (failure) => {
      progress.failed += 1;
      const { responseCode = 0 } = failure.value as { responseCode?: number };
      if (responseCode >= 500) recipients.note(id, failure.getErrorMessage());
      return failure;
    },
  );
}

/** The first way: the next mail is begun when the last is done. */
const oneByOne = inlineCallbacks(function* (limit: number) {
  for (const recipient of yield* recipients.some(limit)) {
    try {
      yield* send(recipient);
    } catch (error) {
      console.log(`  ${recipient.address}: ${(error as Error).message}`);
    }
    yield* recipients.record();
  }
});

/** The second: all are begun at once; one step when every one of them has fired. Good for as many as fit in memory. */
const allAtOnce = inlineCallbacks(function* (limit: number) {
  const letters = (yield* recipients.some(limit)).map(send);
  const results = yield* new DeferredList(letters, { consumeErrors: true });
  const failed = results.filter(([success]) => !success);
  console.log(`  ${results.length - failed.length} sent, ${failed.length} failed`);
  yield* recipients.record();
});

/** The third: rows come from the database no faster than mails leave, a few at a time, and other work has its turns. */
function* byTheMillion() {
  const rows = recipients.all();
  try {
    for (;;) {
      let row!: IteratorResult<Recipient>;
      yield rows.next().then((next) => {
        row = next;
      });
      if (row.done) return;
      const recipient = row.value;
      yield atOnce.acquire().addCallback((slot) => {
        send(recipient).addBoth(() => slot[Symbol.dispose]());
      });
      if (recipients.noted >= 500) yield recipients.record();
    }
  } finally {
    rows.return?.();
  }
}

const mailing = inlineCallbacks(function* () {
  const left = yield* recipients.prepare(Number(total));
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
    yield* recipients.record();
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
