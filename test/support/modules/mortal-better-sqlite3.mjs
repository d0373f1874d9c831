import { connect as open } from "../../../dist/drivers/better-sqlite3/module.js";
import { mortal } from "./mortal.mjs";

export { classify } from "../../../dist/drivers/better-sqlite3/module.js";
export const connect = mortal(open);
