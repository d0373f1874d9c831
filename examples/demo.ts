/** Insert, select, update and interactions: npm run demo, or npm run demo -- postgres://… (mysql://…, mariadb://…) */
import {
  CheckViolation,
  ConnectionPool,
  DatabaseError,
  type Deferred,
  type Failure,
  ProgrammingError,
  type Transaction,
  UniqueViolation,
} from "adbapi";
import { createAgentdata } from "./support/agentdata.js";
import { bad, good, heading, table } from "./support/print.js";

interface Agent {
  readonly id: number;
  readonly name: string;
  readonly city: string;
  readonly gadgets: number;
}

await using agentdata = await createAgentdata(process.argv[2]);
await using pool = ConnectionPool.fromUrl(agentdata.url);

// SQL passes straight through to the driver: PostgreSQL marks params as $1, the others as ?.
const $ = pool.paramstyle === "numeric" ? (n: number) => `$${n}` : () => "?";

const CREATE = `create table agents (
  id integer primary key,
  name varchar(40) not null unique,
  city varchar(40) not null,
  gadgets integer not null check (gadgets >= 0)
)`;
const INSERT = `insert into agents values (${$(1)}, ${$(2)}, ${$(3)}, ${$(4)})`;
const SELECT = `select * from agents where city = ${$(1)}`;
const MOVE = `update agents set city = ${$(1)} where name = ${$(2)}`;
const EQUIP = `update agents set gadgets = gadgets + ${$(1)} where name = ${$(2)}`;

heading(`agentdata: ${agentdata.place}`);
await pool.runOperation(CREATE);

heading("1. Callbacks and errbacks, as in Twisted");
await withCallbacks();
await printAgents();

heading("2. The same with await");
await withAwait();
await printAgents();

heading("3. Interactions: all of it or nothing");
await withInteractions();
await printAgents();

function withCallbacks(): Deferred<void> {
  return pool
    .runOperation(INSERT, [7, "James Bond", "London", 5])
    .addCallback(({ rowCount }) => good(`insert: ${rowCount} agent`))
    .addCallback(() => pool.runOperation(INSERT, [8, "James Bond", "Paris", 0]))
    .addErrback(failed, "insert: there is one James Bond already")

    .addCallback(() => pool.runQuery<Agent>(SELECT, ["London"]))
    .addCallback((agents) => good(`select: ${agents.map(({ name }) => name)} is in London`))
    .addCallback(() => pool.runQuery("select * from villains"))
    .addErrback(failed, "select: nobody keeps villains in a table")

    .addCallback(() => pool.runOperation(MOVE, ["Istanbul", "James Bond"]))
    .addCallback(({ rowCount }) => good(`update: ${rowCount} agent moved`))
    .addCallback(() => pool.runOperation(EQUIP, [-100, "James Bond"]))
    .addErrback(failed, "update: he does not have 100 gadgets to lose")
    .addCallback(() => {});
}

function failed(failure: Failure, what: string): void {
  failure.trap(DatabaseError);
  bad(what, failure.value);
}

async function withAwait(): Promise<void> {
  const { rowCount } = await pool.runOperation(INSERT, [86, "Maxwell Smart", "Washington", 1]);
  good(`insert: ${rowCount} agent`);
  try {
    await pool.runOperation(INSERT, [87, "Maxwell Smart", "Los Angeles", 0]);
  } catch (error) {
    if (!(error instanceof UniqueViolation)) throw error;
    bad("insert: there is one Maxwell Smart already", error);
  }

  const agents = await pool.runQuery<Agent>(SELECT, ["Washington"]);
  good(`select: ${agents.map(({ name }) => name)} is in Washington`);
  try {
    await pool.runQuery("select * from villains");
  } catch (error) {
    if (!(error instanceof ProgrammingError)) throw error;
    bad("select: still no villains", error);
  }

  const moved = await pool.runOperation(MOVE, ["New York", "Maxwell Smart"]);
  good(`update: ${moved.rowCount} agent moved`);
  try {
    await pool.runOperation(EQUIP, [-2, "Maxwell Smart"]);
  } catch (error) {
    if (!(error instanceof CheckViolation)) throw error;
    bad("update: he has one gadget, his shoe", error);
  }
}

async function withInteractions(): Promise<void> {
  await pool.runInteraction(lend, "James Bond", "Maxwell Smart", 2);
  good("2 gadgets went from James Bond to Maxwell Smart");
  try {
    await pool.runInteraction(lend, "James Bond", "Maxwell Smart", 50);
  } catch (error) {
    if (!(error instanceof CheckViolation)) throw error;
    bad("50 more did not, and Maxwell Smart gave back what he had got", error);
  }
}

/** The receiver's row comes first, so that there is something to roll back when the lender has too few. */
async function lend(transaction: Transaction, from: string, to: string, gadgets: number): Promise<void> {
  await transaction.runOperation(EQUIP, [gadgets, to]);
  await transaction.runOperation(EQUIP, [-gadgets, from]);
}

async function printAgents(): Promise<void> {
  table(await pool.runQuery<Agent>("select * from agents order by id"));
}
