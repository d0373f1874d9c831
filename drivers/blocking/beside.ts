/**
 * The URL of a file beside the one at `url`. A bundler may take that away: then the user tells by options where the
 * file went, and the URL given here is one whose error names those options.
 */
export function beside(file: string, url: string | undefined): URL {
  return new URL(file, url ?? "file:///in-a-bundle-give-workerUrl-and-moduleUrl/");
}
