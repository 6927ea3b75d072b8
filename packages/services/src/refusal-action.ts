import { PROXY_ERRORS, type ProxyErrorCode } from "@karvon/domain";

/** What the client can do about a refusal; nothing for a code of an older version, which rows outlive. */
export function actionFor(code: string): string {
  return isKnownCode(code) ? PROXY_ERRORS[code].action : "";
}

function isKnownCode(code: string): code is ProxyErrorCode {
  return Object.hasOwn(PROXY_ERRORS, code);
}
