export { renderOrderDocument } from "./order-document.ts";
