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

const SHOP = [
  "create table customers (id integer primary key, name text)",
  "create table orders (customer integer, item text)",
  "create table items (name text, price integer)",
  "insert into customers (name) values ('Ada')",
  "insert into orders values (1, 'anvil'), (1, 'bell'), (1, 'candle'), (1, 'drum')",
  "insert into items values ('anvil', 40), ('bell', 15), ('candle', 2), ('drum', 63)",
];

class UnknownCustomer extends Error {}

const findCustomer = (name: string) =>
  pool.runQuery<{ id: number }>("select id from customers where name = ?", [name]).addCallback(([row]) => {
    if (row === undefined) throw new UnknownCustomer(`There is no customer ${name}`);
    return row.id;
  });

const findItems = (customer: number) =>
  pool
    .runQuery<{ item: string }>("select item from orders where customer = ? order by item", [customer])
    .addCallback((orders) => orders.map(({ item }) => item));

/** Takes its time: the shop looks it up on the shelf. */
const findPrice = inlineCallbacks(function* (item: string) {
  yield* deferLater(20);
  const [row] = yield* pool.runQuery<{ price: number }>("select price from items where name = ?", [item]);
  console.log(`    ${item}: ${row?.price}`);
  return row?.price ?? 0;
});

/** Callbacks: each step is a function, a loop is a step that adds itself. */
function billByCallbacks(name: string): Deferred<number> {
  const addUp = ([item, ...rest]: string[], sum: number): Deferred<number> =>
    item === undefined ? succeed(sum) : findPrice(item).addCallback((price) => addUp(rest, sum + price));
  return findCustomer(name)
    .addCallback(findItems)
    .addCallback((items) => addUp(items, 0))
    .addErrback((failure) => {
      failure.trap(UnknownCustomer);
      return 0;
    });
}

/**
 * A generator that waits at each `yield*`: loops and `catch` are the language's own, and `cancel()` works as before.
 */
const billInline = inlineCallbacks(function* (name: string) {
  try {
    let sum = 0;
    for (const item of yield* findItems(yield* findCustomer(name))) sum += yield* findPrice(item);
    return sum;
  } catch (error) {
    if (error instanceof UnknownCustomer) return 0;
    throw error;
  }
});

/** `await` reads the same. A promise cannot be cancelled: what is to stop it goes in as a signal. */
async function billAwaiting(name: string, signal?: AbortSignal): Promise<number> {
  try {
    let sum = 0;
    for (const item of await findItems(await findCustomer(name))) {
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

const story = inlineCallbacks(function* () {
  for (const statement of SHOP) yield* pool.runOperation(statement);

  const bills = { callbacks: billByCallbacks, inlineCallbacks: billInline, await: billAwaiting };
  for (const [style, bill] of Object.entries(bills)) {
    console.log(`With ${style}:`);
    console.log(`  Ada owes ${yield bill("Ada")}, Nobody owes ${yield bill("Nobody")}`);
  }

  console.log("Cancelled half-way:");
  console.log(`  ${yield* halfWay(billByCallbacks("Ada"))}`);
  console.log(`  ${yield* halfWay(billInline("Ada"))}`);
  const controller = new AbortController();
  const owed = Deferred.fromPromise(billAwaiting("Ada", controller.signal));
  console.log(`  ${yield* halfWay(owed, () => controller.abort())}`);
});

/** Two prices are known by then. */
function halfWay(owed: Deferred<number>, cancel = () => owed.cancel()) {
  deferLater(50, cancel);
  return owed.addErrback((failure) => failure.trap(CancelledError).name);
}

const told = story();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => told.cancel());
told.addErrback((failure) => void failure.trap(CancelledError)).finally(() => pool.close());
