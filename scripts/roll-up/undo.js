// After packing: the project's own README is back, and dist/ is made again by the build.
import { fileURLToPath } from "node:url";
import { restore } from "./readme.js";

restore(fileURLToPath(new URL("../..", import.meta.url)));
