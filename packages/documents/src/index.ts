export { type OrderDocument, renderOrderDocument } from "./order-document.ts";
