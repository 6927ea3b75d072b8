export * from "./device/keys.ts";
export * from "./device/messages.ts";
export * from "./enrolment-code.ts";
export * from "./proxy-password.ts";
