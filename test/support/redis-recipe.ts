import { join } from "node:path";
import { findTogether } from "./programs.js";
import type { Recipe } from "./recipe.js";

export const redisRecipe: Recipe = {
  kind: "redis",
  variable: "ADBAPI_TEST_REDIS",
  install: "apt-get install redis-server",
  account: "redis",
  container: {
    image: "redis:7-alpine",
    port: 6379,
    environment: {},
    command: ["redis-server", "--save", ""],
  },

  async findPrograms() {
    return findTogether(["redis-server"]);
  },

  files: () => ({}),

  initialize: () => [],

  serve: ({ programs, home, port }) => ({
    file: programs["redis-server"]!,
    args: [
      ...["--port", String(port), "--bind", "127.0.0.1", "--unixsocket", join(home, "redis.sock")],
      ...["--dir", home, "--save", "", "--appendonly", "no"],
    ],
  }),

  url: (port) => `redis://127.0.0.1:${port}`,

  async ping(url) {
    const { Redis } = await import("ioredis"); // takes a moment, and nearly every file of tests comes by here
    const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    client.on("error", () => {}); // connect() rejects with it
    try {
      await client.connect();
      await client.ping();
    } finally {
      client.disconnect();
    }
  },
};
