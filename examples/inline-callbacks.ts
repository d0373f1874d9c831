/**
 * The same piece of logic three times: with callbacks, with inlineCallbacks and with await.
 *
 * It asks for a customer, then for the price of each thing ordered, one after another; an unknown customer owes
 * nothing. Each of the three is also cancelled half-way.
 *
 *     npm run example inline-callbacks
 */
import { CancelledError, ConnectionPool, Deferred, deferLater, inlineCallbacks, succeed } from "adbapi";

const pool = new ConnectionPool("better-sqlite3", ":memory:");

class UnknownCustomer extends Error {}

const findCustomer = (name: string) =>
  pool.runQuery<{ id: number }>("select id from customers where name = ?", [name]).addCallback(([row]) => {
    if (row === undefined) throw new UnknownCustomer(`There is no customer ${name}`);
    return row.id;
  });

const findOrders = (customer: number) =>
  pool.runQuery<{ item: string }>("select item from orders where customer = ? order by item", [customer]);

/** Takes its time: the shop looks it up on the shelf. */
const findPrice = (item: string) =>
  deferLater(20).addCallback(() =>
    pool
      .runQuery<{ price: number }>("select price from items where name = ?", [item])
      .addCallback(([row]) => {
        console.log(`    ${item}: ${row?.price}`);
        return row?.price ?? 0;
      }),
  );

/** Callbacks: each step is a function, a loop is a step that adds itself. */
function billByCallbacks(name: string): Deferred<number> {
  const addUp = (items: string[], sum: number): Deferred<number> => {
    const [item, ...rest] = items;
    return item === undefined
      ? succeed(sum)
      : findPrice(item).addCallback((price) => addUp(rest, sum + price));
  };
  return findCustomer(name)
    .addCallback(findOrders)
    .addCallback((orders) =>
      addUp(
        orders.map(({ item }) => item),
        0,
      ),
    )
    .addErrback((failure) => {
      failure.trap(UnknownCustomer);
      return 0;
    });
}

/** A generator that waits at each `yield*`: loops and `catch` are the language's own, and `cancel()` works as before. */
const billInline = inlineCallbacks(function* (name: string) {
  try {
    const customer = yield* findCustomer(name);
    let sum = 0;
    for (const { item } of yield* findOrders(customer)) sum += yield* findPrice(item);
    return sum;
  } catch (error) {
    if (error instanceof UnknownCustomer) return 0;
    throw error;
  }
});

/** `await` reads the same. A promise cannot be cancelled: what is to stop it goes in as a signal. */
async function billAwaiting(name: string, signal?: AbortSignal): Promise<number> {
  try {
    const customer = await findCustomer(name);
    let sum = 0;
    for (const { item } of await findOrders(customer)) {
      const price = findPrice(item);
      signal?.addEventListener("abort", () => price.cancel(), { once: true });
      sum += await price;
    }
    return sum;
  } catch (error) {
    if (error instanceof UnknownCustomer) return 0;
    throw error;
  }
}

const bills = { callbacks: billByCallbacks, inlineCallbacks: billInline, await: billAwaiting };

const story = inlineCallbacks(function* () {
  yield* pool.runInteraction((transaction) => {
    transaction.execute("create table customers (id integer primary key, name text)");
    transaction.execute("create table orders (customer integer, item text)");
    transaction.execute("create table items (name text, price integer)");
    transaction.execute("insert into customers (name) values ('Ada')");
    transaction.execute("insert into orders values (1, 'anvil'), (1, 'bell'), (1, 'candle'), (1, 'drum')");
    transaction.execute("insert into items values ('anvil', 40), ('bell', 15), ('candle', 2), ('drum', 63)");
  });

  for (const [style, bill] of Object.entries(bills)) {
    console.log(`With ${style}:`);
    console.log(`  Ada owes ${yield bill("Ada")}, Nobody owes ${yield bill("Nobody")}`);
  }

  console.log("Cancelled half-way:");
  for (const bill of [billByCallbacks, billInline]) {
    const owed = bill("Ada").addErrback((failure) => failure.trap(CancelledError).name);
    console.log(`  ${yield* deferLater(50, () => owed.cancel()).addCallback(() => owed)}`);
  }
  const controller = new AbortController();
  const owed = Deferred.fromPromise(billAwaiting("Ada", controller.signal));
  owed.addErrback((failure) => failure.trap(CancelledError).name);
  console.log(`  ${yield* deferLater(50, () => controller.abort()).addCallback(() => owed)}`);
});

const told = story();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => told.cancel());
told.addErrback((failure) => void failure.trap(CancelledError)).finally(() => pool.close());
