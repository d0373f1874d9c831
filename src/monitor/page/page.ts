import "./page.css";
import type { RecentError, Report, RunningStatement, SlowStatement } from "../report.js";
import { chart } from "./chart.js";
import { History } from "./history.js";

const AGAIN_MILLIS = 2_000;

const history = new History();
const count = (value: number) =>
  value < 10 && value % 1 !== 0 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
const millis = (value: number) => (value >= 100 ? count(value) : String(Number(value.toPrecision(2))));

const drawConnections = chart(element("connections-chart"), {
  format: count,
  lines: [
    {
      label: "Connecting",
      color: "--connecting",
      filled: true,
      read: (at) => history.at(at)?.connections.connecting,
    },
    { label: "Idle", color: "--idle", filled: true, read: (at) => history.at(at)?.connections.idle },
    { label: "In use", color: "--in-use", filled: true },
  ],
});
const drawWaiting = chart(element("waiting-chart"), {
  format: count,
  lines: [{ label: "Waiting", color: "--waiting" }],
});
const drawThroughput = chart(element("throughput-chart"), {
  format: count,
  lines: [
    { label: "Statements", color: "--in-use" },
    { label: "Errors", color: "--failed" },
  ],
});
const drawLatency = chart(element("latency-chart"), {
  format: millis,
  logarithmic: true,
  lines: [
    { label: "p50", color: "--low" },
    { label: "p95", color: "--middle" },
    { label: "p99", color: "--high" },
  ],
});

connect();

function connect(): void {
  const socket = new WebSocket(
    `${location.protocol.replace("http", "ws")}//${location.host}${location.pathname}`,
  );
  socket.addEventListener("open", () => say("live", "Live"));
  socket.addEventListener("message", ({ data }) => show(JSON.parse(data)));
  socket.addEventListener("close", () => {
    say("lost", "The pool's process does not answer. Trying again …");
    setTimeout(connect, AGAIN_MILLIS);
  });
}

function show(report: Report): void {
  history.add(report);
  showTiles(report);
  drawConnections(
    history.columns(
      ({ connections: { inUse, idle, connecting } }) => inUse + idle + connecting,
      ({ connections: { inUse, idle } }) => inUse + idle,
      ({ connections }) => connections.inUse,
    ),
  );
  drawWaiting(history.columns(({ waiting }) => waiting));
  drawThroughput(
    history.columns(
      ({ perSecond }) => perSecond.statements,
      ({ perSecond }) => perSecond.errors,
    ),
  );
  drawLatency(
    history.columns(
      ({ latency }) => latency?.p50 ?? null,
      ({ latency }) => latency?.p95 ?? null,
      ({ latency }) => latency?.p99 ?? null,
    ),
  );
  showRunning(report.running);
  showRows("slowest", report.slowest, slowRow);
  showRows("errors", report.errors, errorRow);
}

function showTiles({ pool, database, connections, waiting, perSecond, latency }: Report): void {
  element("pool").textContent = pool;
  const { system, address, port, namespace } = database;
  const server = address === undefined ? "" : `${address}${port === undefined ? "" : `:${port}`}`;
  element("database").textContent = [system, server, namespace ?? ""]
    .filter((part) => part !== "")
    .join(" · ");
  document.title = `${pool} – pool monitor`;
  const tile = (id: string, text: string, alert = false) => {
    element(id).textContent = text;
    element(id).classList.toggle("alert", alert);
  };
  tile("in-use", `${count(connections.inUse)} / ${count(connections.max)}`);
  tile("idle", count(connections.idle));
  tile("connecting", count(connections.connecting));
  tile("waiting", count(waiting), waiting > 0);
  tile("statements", count(perSecond.statements));
  tile("errors-rate", count(perSecond.errors), perSecond.errors > 0);
  tile("p95", latency === null ? "–" : `${millis(latency.p95)} ms`);
}

function showRunning(running: readonly RunningStatement[]): void {
  if (running.length > 0) {
    showRows("running", running, runningRow);
    return;
  }
  const none = cell("Nothing runs.", "none");
  none.colSpan = 3;
  const row = document.createElement("tr");
  row.append(none);
  element("running").replaceChildren(row);
}

function runningRow({ sql, state, inTransaction, millis: taken, callSite }: RunningStatement) {
  const what = cell(sql, "sql");
  what.append(remark(callSite ?? "its line of code was not taken"));
  return [
    cell(inTransaction ? `${state}, in a transaction` : state),
    cell(`${millis(taken)} ms`, "number"),
    what,
  ];
}

function remark(text: string): HTMLElement {
  const made = document.createElement("div");
  made.className = "why";
  made.textContent = text;
  return made;
}

function slowRow({ sql, count: runs, mean, meanWaited, max }: SlowStatement): HTMLTableCellElement[] {
  return [
    cell(sql, "sql"),
    cell(count(runs), "number"),
    cell(`${millis(mean)} ms`, "number"),
    cell(`${millis(meanWaited)} ms`, "number"),
    cell(`${millis(max)} ms`, "number"),
  ];
}

function errorRow({ at, name, code, message, sql }: RecentError): HTMLTableCellElement[] {
  const kind = cell(code === undefined ? name : `${name} ${code}`, "error");
  kind.title = message;
  const what = cell(sql ?? "–", "sql");
  what.append(remark(message));
  return [cell(new Date(at).toLocaleTimeString("en-GB")), kind, what];
}

/** Leaves the "none yet" row of the document as it is while there is nothing to show. */
function showRows<T>(id: string, items: readonly T[], cells: (item: T) => HTMLTableCellElement[]): void {
  if (items.length === 0) return;
  const rows = items.map((item) => {
    const row = document.createElement("tr");
    row.append(...cells(item));
    return row;
  });
  element(id).replaceChildren(...rows);
}

/** The texts that are shown whole: their rows are made anew each second. */
const opened = new Set<string>();

function cell(text: string, className = ""): HTMLTableCellElement {
  const made = document.createElement("td");
  made.className = className;
  made.textContent = text;
  if (className === "sql") {
    made.title = text;
    // Where there is no pointer to rest on it, a tap shows all of it.
    made.classList.toggle("open", opened.has(text));
    made.addEventListener("click", () => {
      if (made.classList.toggle("open")) opened.add(text);
      else opened.delete(text);
    });
  }
  return made;
}

function say(state: "live" | "lost", text: string): void {
  element("link").className = state;
  element("link").textContent = text;
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element "${id}"`);
  return found;
}
