/** What the works with files of their own get, and give back. */
import type { Run } from "./figures.ts";
import type { Options } from "./options.ts";

export interface SpecialContext {
  readonly options: Options;
  /** The load generator. */
  readonly program: string;
  /** bench/dist. */
  readonly buildDir: string;
  readonly say: (line: string) => void;
  readonly onRun: (run: Run) => void;
  /** Takes down at the end, or when the run is interrupted, what was started last first. */
  readonly onClose: (close: () => Promise<void>) => void;
}
