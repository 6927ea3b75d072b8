/**
 * Invoice and receipt of one order, as PDF on one page.
 *
 * It says what it is given and works nothing out: amounts are those that were stored with the order. Texts that people chose
 * are cut to one line's length, so that no name moves a figure.
 * Limits: 80 characters a text, 12 lines of seller's details.
 */
import { formatMinor, type OrderDocument } from "@karvon/domain";
import PdfFile from "pdfkit";
import { loadFonts } from "./fonts.ts";

export interface RenderOptions {
  /** False leaves the page's text readable in the file. */
  readonly isCompressed?: boolean;
}

const textMax = 80;
const lineHeight = 14;
const margin = 56;
const grey = "#5b6470";
const ink = "#14181d";

type Pdf = InstanceType<typeof PdfFile>;

export function renderOrderDocument(facts: OrderDocument, { isCompressed = true }: RenderOptions = {}): Promise<Buffer> {
  const fonts = loadFonts();
  const title = `${facts.kind === "invoice" ? "Invoice" : "Receipt"} ${facts.number}`;
  const pdf = new PdfFile({
    size: "A4",
    margin,
    compress: isCompressed,
    font: "",
    info: { Title: title, Creator: "Karvon", CreationDate: facts.orderedAt },
  });
  pdf.registerFont("regular", fonts.regular);
  pdf.registerFont("bold", fonts.bold);
  const whole = collect(pdf);
  writeHead(pdf, title, facts);
  writeParties(pdf, facts);
  writeAmount(pdf, facts);
  writeState(pdf, facts);
  pdf.end();
  return whole;
}

function writeHead(pdf: Pdf, title: string, facts: OrderDocument): void {
  pdf.font("bold").fontSize(24).fillColor(ink).text(title);
  pdf
    .font("regular")
    .fontSize(10)
    .fillColor(grey)
    .text(`Order ${facts.orderId}, ${day(facts.orderedAt)}`);
  if (facts.isTest) pdf.moveDown().font("bold").fontSize(12).fillColor("#a15c00").text("TEST PAYMENT: no money moved. This is not a bill.");
}

function writeParties(pdf: Pdf, { seller, buyer }: OrderDocument): void {
  const top = pdf.y + 24;
  const width = (pdf.page.width - 2 * margin - 24) / 2;
  const column = (left: number, name: string, lines: readonly string[]): number => {
    pdf.font("bold").fontSize(10).fillColor(grey).text(name, left, top, { width });
    pdf.font("regular").fontSize(11).fillColor(ink);
    for (const line of lines) pdf.text(cut(line), left, pdf.y, { width, height: lineHeight, ellipsis: true });
    return pdf.y;
  };
  const ends = [
    column(margin, "From", seller),
    column(
      margin + width + 24,
      "To",
      [buyer.name, buyer.email].filter((line) => line !== null),
    ),
  ];
  pdf.x = margin;
  pdf.y = Math.max(...ends) + 28;
}

function writeAmount(pdf: Pdf, facts: OrderDocument): void {
  const total = `${grouped(facts.chargeMinor)} ${facts.currency}`;
  rule(pdf);
  row(pdf, facts.line, facts.conversion === null ? total : `${facts.conversion.priceUsd} USD`);
  if (facts.conversion !== null) row(pdf, "Exchange rate", `1 USD = ${grouped(facts.conversion.perUsd)} ${facts.currency}`);
  rule(pdf);
  pdf.font("bold");
  row(pdf, "Total", total);
}

function writeState(pdf: Pdf, facts: OrderDocument): void {
  pdf.moveDown(1.5).font("regular").fontSize(11).fillColor(ink);
  if (facts.paidAt === null) {
    if (facts.cancelledAt !== null) {
      pdf.font("bold").text(`Cancelled on ${day(facts.cancelledAt)}: nothing is to be paid.`);
      return;
    }
    pdf.text(`To be paid by ${cut(facts.paidBy)} until ${day(facts.expiresAt)}.`);
    if (facts.isTransfer) pdf.text(`Please state "${facts.number}" as the purpose of payment.`);
    return;
  }
  pdf.text(`Paid on ${day(facts.paidAt)} by ${cut(facts.paidBy)}.`);
  if (facts.paidRef !== null) pdf.text(`Reference: ${cut(facts.paidRef)}`);
  if (facts.refundedAt !== null) pdf.font("bold").text(`Refunded whole on ${day(facts.refundedAt)}.`);
}

function rule(pdf: Pdf): void {
  pdf
    .moveTo(margin, pdf.y)
    .lineTo(pdf.page.width - margin, pdf.y)
    .lineWidth(0.7)
    .strokeColor("#c9ced6")
    .stroke();
  pdf.y += 8;
}

function row(pdf: Pdf, name: string, value: string): void {
  const top = pdf.y;
  const width = pdf.page.width - 2 * margin;
  pdf
    .fontSize(12)
    .fillColor(ink)
    .text(cut(name), margin, top, { width: width * 0.6 });
  pdf.text(value, margin, top, { width, align: "right" });
  pdf.x = margin;
  pdf.y += 6;
}

/** `189,757.00`: digits in threes, as the panels write them. */
function grouped(minor: bigint): string {
  return formatMinor(minor).replaceAll(/\B(?=(\d{3})+\.)/g, ",");
}

/** Days are UTC's, and say so. */
function day(at: Date): string {
  return `${at.toISOString().slice(0, 10)} (UTC)`;
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= textMax ? line : `${line.slice(0, textMax - 1)}…`;
}

function collect(pdf: Pdf): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    pdf.on("data", (chunk: Buffer) => chunks.push(chunk));
    pdf.on("error", reject);
    pdf.on("end", () => resolve(Buffer.concat(chunks)));
  });
}
