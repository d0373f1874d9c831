/** Certificates of the tests' own, made by openssl. */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "./programs.js";
import { guardedDirectory } from "./run-directory.js";

/** Signs what it is told to. */
export class Authority implements Disposable {
  /** Of its own certificate. */
  readonly file: string;
  readonly #folder = guardedDirectory("authority");

  constructor() {
    if (findProgram("openssl") === undefined) throw new Error("No openssl: apt-get install openssl");
    this.file = join(this.#folder, "ca.pem");
    this.#openssl(`req -x509 ${KEY} -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=tests`);
  }

  /** PEM. */
  get ca(): string {
    return readFileSync(this.file, "utf8");
  }

  /**
   * For `names` as openssl has them (`DNS:localhost`); with a passphrase the key is encrypted, and there is a PKCS #12
   * of both.
   */
  issue(names: string, passphrase?: string): Identity {
    const secret = passphrase === undefined ? "-nodes" : `-passout pass:${passphrase}`;
    this.#openssl(`req ${KEY} ${secret} -keyout own.key -out own.csr -subj /CN=own`);
    writeFileSync(join(this.#folder, "names"), `subjectAltName=${names}\n`);
    this.#openssl("x509 -req -in own.csr -CA ca.pem -CAkey ca.key -days 2 -extfile names -out own.pem");
    if (passphrase !== undefined) {
      const secrets = `-passin pass:${passphrase} -passout pass:${passphrase}`;
      this.#openssl(`pkcs12 -export -in own.pem -inkey own.key ${secrets} -out own.pfx`);
    }
    const read = (name: string) => readFileSync(join(this.#folder, name));
    return {
      cert: read("own.pem").toString(),
      key: read("own.key").toString(),
      pfx: passphrase === undefined ? Buffer.of() : read("own.pfx"),
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #openssl(line: string): void {
    execFileSync("openssl", line.split(" "), {
      cwd: this.#folder,
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 30_000,
    });
  }
}

export interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly pfx: Buffer;
}

const KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1";
