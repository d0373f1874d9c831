/**
 * What is said of TLS in several places, a URL's options and the argument `ssl`, made one: never weaker than any of
 * them.
 */
import { type ConnectionOptions, checkServerIdentity } from "node:tls";
import { InterfaceError } from "../../../src/errors/classes.js";
import { merged } from "../../common/arguments.js";

/** As pg takes it: `true` checks chain and name, an object says how. */
export type Ssl = boolean | ConnectionOptions | null | undefined;

/** As pg has them: whatever asks for TLS checks the certificate, unless it says `no-verify`. */
export const SSL_MODES: Readonly<Record<string, boolean | ConnectionOptions>> = {
  disable: false,
  "no-verify": { rejectUnauthorized: false },
  require: true,
  "verify-ca": true,
  "verify-full": true,
};

export const SSL_FLAGS: typeof SSL_MODES = {
  true: true,
  "1": true,
  false: false,
  "0": false,
  "no-verify": { rejectUnauthorized: false },
};

/**
 * The one where the other says nothing; else both, or an `InterfaceError` where one forbids what the other asks for.
 */
export function agreed(one: Ssl, other: Ssl): Ssl {
  if (one === undefined || one === null) return other;
  if (other === undefined || other === null || one === other) return one;
  if (one === false || other === false) throw contradiction("one asks for TLS, and the other is against it");
  const [first, second] = [optionsOf(one), optionsOf(other)];
  if (checked(first) !== checked(second)) {
    throw contradiction("one has the certificate checked, and the other has rejectUnauthorized: false");
  }
  const replaced = first.checkServerIdentity ?? second.checkServerIdentity;
  if (replaced !== undefined && (one === true || other === true)) {
    throw contradiction("one has the host's name checked, and the other has a check of its own");
  }
  return merged<ConnectionOptions>(first, second);
}

/**
 * pg puts the host's name in the place of one that these give, and so would have another name checked than was said:
 * theirs is held against the certificate all the same.
 */
export function checkingName(ssl: ConnectionOptions): ConnectionOptions {
  const name = ssl.servername ?? ssl.host;
  if (name === undefined || ssl.checkServerIdentity !== undefined) return ssl;
  const check: ConnectionOptions["checkServerIdentity"] = (_, certificate) =>
    checkServerIdentity(name, certificate);
  return merged<ConnectionOptions>(ssl, { checkServerIdentity: check });
}

function optionsOf(ssl: true | ConnectionOptions): ConnectionOptions {
  return ssl === true ? {} : ssl;
}

function checked({ rejectUnauthorized }: ConnectionOptions): boolean {
  return rejectUnauthorized !== false;
}

function contradiction(how: string): InterfaceError {
  return new InterfaceError(
    `pg: what the URL says of TLS and what else is said of it contradict each other: ${how}`,
  );
}
