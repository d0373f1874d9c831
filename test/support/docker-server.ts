import { request } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerRuntimeClient, StartedTestContainer } from "testcontainers";
import { freePort } from "./free-port.js";
import type { Recipe } from "./recipe.js";
import type { OwnServer, ServerKind } from "./servers.js";

const START_MILLIS = 120_000;

/** A throwaway server in a container. What a crash leaves behind, testcontainers' own watchdog removes. */
export class DockerServer implements OwnServer {
  readonly kind;
  readonly url: string;
  readonly port: number;
  readonly #recipe: Recipe;
  readonly #runtime: ContainerRuntimeClient;
  readonly #started: StartedTestContainer;

  private constructor(
    recipe: Recipe,
    port: number,
    runtime: ContainerRuntimeClient,
    started: StartedTestContainer,
    client: ServerKind,
  ) {
    this.kind = recipe.kind;
    this.url = recipe.url(port, client);
    this.port = port;
    this.#recipe = recipe;
    this.#runtime = runtime;
    this.#started = started;
  }

  static async create(recipe: Recipe, client: ServerKind): Promise<DockerServer> {
    const { GenericContainer, getContainerRuntimeClient } = await import("testcontainers");
    const { image, port: container, environment, command, files = {} } = recipe.container;
    const contents = Object.entries(files).map(([target, content]) => ({ target, content }));
    const host = await freePort(); // one of Docker's choice would change with a restart
    const started = await new GenericContainer(image)
      .withEnvironment({ ...environment })
      .withCommand([...command])
      .withCopyContentToContainer(contents)
      .withExposedPorts({ container, host })
      .withStartupTimeout(START_MILLIS)
      .start();
    const server = new DockerServer(recipe, host, await getContainerRuntimeClient(), started, client);
    await server.#ready();
    return server;
  }

  async start(): Promise<void> {
    const { container } = this;
    if (!(await container.inspect()).State.Running) await container.start();
    await this.#ready();
  }

  async stop(): Promise<void> {
    const { container } = this;
    if ((await container.inspect()).State.Running) await container.stop({ t: 15 });
  }

  async kill(): Promise<void> {
    const { container } = this;
    if (!(await container.inspect()).State.Running) return;
    const ended = container.wait();
    await container.kill({ signal: "SIGKILL" });
    await ended;
  }

  async freeze(): Promise<void> {
    await this.container.pause();
  }

  async thaw(): Promise<void> {
    await this.container.unpause();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async close(): Promise<void> {
    await this.#started.stop({ timeout: 0 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private get container() {
    return this.#runtime.container.getById(this.#started.getId());
  }

  /** Docker's proxy accepts connections before the server does, so only an answer counts. */
  async #ready(): Promise<void> {
    const deadline = Date.now() + START_MILLIS;
    for (;;) {
      try {
        return await this.#recipe.ping(this.url);
      } catch (error) {
        if (Date.now() > deadline)
          throw new Error(`${this.kind} in Docker does not answer`, { cause: error });
      }
      await sleep(100);
    }
  }
}

/** Whether an engine answers; asked once, and never for long. */
export function dockerAnswers(): Promise<boolean> {
  answer ??= Promise.all(sockets().map(pingEngine)).then((answers) => answers.includes(true));
  return answer;
}

let answer: Promise<boolean> | undefined;

type Address = { socketPath: string } | { host: string; port: number };

function sockets(): Address[] {
  const configured = process.env.DOCKER_HOST;
  if (configured !== undefined && URL.canParse(configured)) {
    const { protocol, hostname, port, pathname } = new URL(configured);
    return protocol === "unix:" ? [{ socketPath: pathname }] : [{ host: hostname, port: Number(port) }];
  }
  const folders = ["/var/run", join(homedir(), ".docker/run"), process.env.XDG_RUNTIME_DIR ?? []].flat();
  return folders.map((folder) => ({ socketPath: join(folder, "docker.sock") }));
}

function pingEngine(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ ...address, path: "/_ping", timeout: 500 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => resolve(false));
    asked.once("close", () => resolve(false));
    asked.end();
  });
}
