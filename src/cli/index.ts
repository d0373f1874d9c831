#!/usr/bin/env node
import { parseArgs } from "node:util";
import { InterfaceError } from "../errors/classes.js";
import { runService } from "../service/index.js";
import { CommandError } from "./command-error.js";
import { loadApplication } from "./load-application.js";
import { holdPidfile } from "./pidfile.js";

const HELP = `Usage: adbapi run FILE [options]

Imports FILE and runs its default export, a Service, until SIGINT or SIGTERM stops it.
A second signal exits at once.

Options:
  -n, --nodaemon        stay in the foreground: what this command always does, taken for the
                        sake of scripts written for twistd
      --pidfile PATH    keep the process id in PATH while the application runs; refuse to
                        start when another process is alive by the id found there
  -h, --help            show this
  -V, --version         show the version

Exit status: 0 after an orderly stop, 1 when starting or stopping failed, 2 when the command
or FILE is no good, 128 and the signal's number after a second signal.
`;

const SEE_HELP = "See adbapi --help.";

// Not awaited: of an entry point that waits for ever at its top level Node.js itself would complain, before we can say
// whose fault it is.
main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof CommandError)) throw error;
  console.error(`adbapi: ${error.message}`);
  // FILE may have left something open.
  process.exit(2);
});

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help) return void process.stdout.write(HELP);
  if (values.version) return void console.log(await ownVersion());
  const [command, file, ...rest] = positionals;
  if (command !== "run") {
    const problem = command === undefined ? "No command given" : `There is no command "${command}"`;
    throw new CommandError(`${problem}. ${SEE_HELP}`);
  }
  if (!file) throw new CommandError(`no FILE given. ${SEE_HELP}`);
  if (rest.length > 0) throw new CommandError(`one FILE at a time, not also ${rest.join(" ")}`);
  const application = await loadApplication(file);
  if (values.pidfile !== undefined) holdPidfile(values.pidfile);
  try {
    runService(application);
  } catch (error) {
    if (!(error instanceof InterfaceError)) throw error;
    throw new CommandError(`${file} calls runService or startService itself: start it with \`node ${file}\``);
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        nodaemon: { type: "boolean", short: "n" },
        pidfile: { type: "string" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "V" },
      },
    });
  } catch (error) {
    throw new CommandError(`${(error as Error).message}. ${SEE_HELP}`);
  }
}

async function ownVersion(): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  return JSON.parse(await readFile(new URL("../../../package.json", import.meta.url), "utf8")).version;
}
