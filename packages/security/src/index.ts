export * from "./device/keys.ts";
export * from "./device/messages.ts";
export * from "./enrolment-code.ts";
export * from "./otp/mailed-code.ts";
export * from "./proxy-password.ts";
export * from "./sealed.ts";
export * from "./slow-hash.ts";
export * from "./tokens.ts";
