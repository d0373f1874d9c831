/// <reference types="node" preserve="true" />
/** Kysely over a pool of adbapi: `new Kysely({ dialect: new AdbapiDialect({ pool }) })`. */
export { AdbapiDialect, type AdbapiDialectConfig } from "./dialect.js";
export { withSignal } from "./signal.js";
