export type { ClickSettings } from "./click/click.ts";
export { type ClickFacts, type ClickOrder, type ClickPayment, decideComplete, decidePrepare } from "./click/payment.ts";
export {
  type ClickAction,
  type ClickCall,
  type ClickEcho,
  type ClickError,
  clickErrors,
  readClickRequest,
  signClick,
} from "./click/request.ts";
export * from "./methods.ts";
export { type PaymeFault, paymeFaults } from "./payme/faults.ts";
export type { PaymeSettings } from "./payme/payme.ts";
export { type PaymeCall, type PaymeMessage, type RequestId, readPaymeRequest, writePaymeFault, writePaymeResult } from "./payme/request.ts";
export * from "./payme/transaction.ts";
export * from "./port.ts";
export type { StripeNews } from "./stripe/events.ts";
export type { StripeMethod, StripeSettings } from "./stripe/stripe.ts";
