/* What the modules find around them. */

interface Window {
  RL_BOOK?: boolean;
  ResidualBlock: any;
  RL_PAGES: any;
  RL_SEARCH: any;
}

declare module "node:fs" {
  export function readFileSync(file: number, encoding: "utf8"): string;
}
