/// <reference types="node" preserve="true" />
/** Services that start and stop together, after `twisted.application.service`. Usable without any database. */
export { MultiService } from "./multi-service.js";
export { type PoolServiceOptions, poolService, type ServiceablePool } from "./pool-service.js";
export { type RunServiceOptions, runService } from "./run-service.js";
export { type Pending, Service, type ServiceParent, type Startable } from "./service.js";
