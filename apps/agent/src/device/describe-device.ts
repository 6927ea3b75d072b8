/** The kind of machine, for the operator's list: nothing that names its owner (no host name, no serial number). */
import { existsSync, readFileSync } from "node:fs";

const modelFiles = ["/sys/devices/virtual/dmi/id/product_name", "/proc/device-tree/model"];
const modelLengthMax = 60;

export function describeDevice(): { platform: string; model: string } {
  // Termux runs under Android's kernel, where Node may call itself linux.
  const isAndroid = process.platform === "android" || existsSync("/data/data/com.termux");
  return { platform: isAndroid ? "android" : process.platform, model: findModel() };
}

function findModel(): string {
  for (const path of modelFiles) {
    try {
      const model = readFileSync(path, "utf8")
        .replace(/[^ -~]/g, "")
        .trim();
      if (model !== "") return model.slice(0, modelLengthMax);
    } catch {
      // Not there, or not ours to read: the next file, then "unknown".
    }
  }
  return "unknown";
}
