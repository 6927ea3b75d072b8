import { AppError, type PanelErrorCode } from "@karvon/domain";

/** The code with which a verb refused; words of its own when it did not. */
export async function refusalOf(work: Promise<unknown>): Promise<PanelErrorCode | string> {
  try {
    await work;
    return "nothing refused it";
  } catch (cause) {
    return cause instanceof AppError ? cause.code : String(cause);
  }
}
