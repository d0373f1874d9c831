/** The TLS options among the connect arguments. */
import { type ConnectionOptions, createSecureContext } from "node:tls";
import { InterfaceError } from "../../src/errors/classes.js";
import { type Kinds, kindOf, mayHold, ownArguments } from "./arguments.js";

/** What is hidden: printing the object that holds it must not show it. */
export const TLS_SECRETS = ["key", "pfx", "passphrase"] as const;

/** What a context is made of: Node.js checks it. */
const MATERIAL = [
  ...[...TLS_SECRETS, "ca", "cert", "crl", "ciphers", "sigalgs", "dhparam", "ecdhCurve"],
  ...["minVersion", "maxVersion", "secureProtocol", "secureOptions"],
];

const KINDS: Kinds = {
  ...Object.fromEntries(MATERIAL.map((name) => [name, ["any"]])),
  rejectUnauthorized: ["flag"],
  verifyIdentity: ["flag"],
  servername: ["text"],
  host: ["text"],
  checkServerIdentity: ["function"],
  secureContext: ["object"],
};

/**
 * A copy, in which nothing is lost that the original hides. Throws an `InterfaceError` where no session could come of
 * it: packages learn of that in the middle of a handshake, and some end the process by it.
 */
export function ownTls(driver: string, given: object): ConnectionOptions {
  if (!mayHold(given, KINDS))
    throw new InterfaceError(
      `${driver}: connect argument "ssl" must be an object of TLS options (ca, cert, key, …); what was given is a ${kindOf(given)}`,
    );
  const own = ownArguments(`${driver}: the TLS option`, given, KINDS) as ConnectionOptions;
  if (MATERIAL.some((name) => Object.hasOwn(own, name))) contextOf(driver, own);
  return own;
}

/**
 * The same for a package that hands the options to Node.js: a context stands in for its secrets, and they cannot be
 * read any more.
 */
export function sealed(driver: string, own: ConnectionOptions): ConnectionOptions {
  const { key, pfx, passphrase, ...open } = own;
  if ((key ?? pfx ?? passphrase) === undefined) return own;
  return { ...open, secureContext: own.secureContext ?? contextOf(driver, own) };
}

function contextOf(driver: string, options: ConnectionOptions) {
  try {
    return createSecureContext(options);
  } catch (error) {
    // Never the message of a wrong type: it repeats the value.
    const { reason, code, message } = error as Error & { reason?: string; code?: string };
    throw new InterfaceError(`${driver}: the TLS options cannot be used: ${reason ?? code ?? message}`);
  }
}
