import { connect as open } from "../../../dist/drivers/node-sqlite/module.js";
import { mortal } from "./mortal.mjs";

export { classify } from "../../../dist/drivers/node-sqlite/module.js";
export const connect = mortal(open);
