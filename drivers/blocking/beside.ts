/**
 * The URL of a file beside the one that asks. Where a bundler has taken that away there is nothing beside it: whoever
 * bundles says where the file went, and gets an error that names the options when it is missed.
 */
export function beside(file: string, url: string | undefined): URL {
  return new URL(file, url ?? "file:///in-a-bundle-give-workerUrl-and-moduleUrl/");
}
