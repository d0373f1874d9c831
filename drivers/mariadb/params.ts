import type { Params } from "../driver.js";

export const bind = (params: Params): Params => params;
