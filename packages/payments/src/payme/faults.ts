/**
 * The errors of Payme's Merchant API.
 *
 * Source: developer.help.paycom.uz, "Ошибки" (general codes -32xxx, codes of each method) and "Формат ответа" (message in
 * three languages, `data` names the part of the account that is wrong).
 */
export interface PaymeFault {
  readonly code: number;
  readonly message: { readonly ru: string; readonly uz: string; readonly en: string };
  readonly data?: string;
}

/** The part of `account` that names an order. */
export const accountField = "order_id";

const fault = (code: number, en: string, ru: string, uz: string): PaymeFault => ({ code, message: { ru, uz, en } });
const accountFault = (code: number, en: string, ru: string, uz: string): PaymeFault => ({ ...fault(code, en, ru, uz), data: accountField });

// One row a fault, so that it reads as the table it is.
// prettier-ignore
export const paymeFaults = {
  notPost: fault(-32_300, "Send a POST request.", "Нужен запрос POST.", "POST so‘rovi kerak."),
  notJson: fault(-32_700, "The body is not JSON.", "Тело запроса не является JSON.", "So‘rov matni JSON emas."),
  badFields: fault(-32_600, "Fields are missing or of another type.", "Отсутствуют поля или их тип неверен.", "Maydonlar yo‘q yoki turi noto‘g‘ri."),
  unknownMethod: fault(-32_601, "There is no such method.", "Метод не найден.", "Bunday metod yo‘q."),
  notAllowed: fault(-32_504, "You may not call this method.", "Недостаточно привилегий.", "Huquqlar yetarli emas."),
  system: fault(-32_400, "Something failed on our side.", "Внутренняя ошибка системы.", "Tizim xatosi."),
  wrongAmount: fault(-31_001, "The amount is not the one of the order.", "Неверная сумма.", "Summa noto‘g‘ri."),
  notFound: fault(-31_003, "There is no such transaction.", "Транзакция не найдена.", "Tranzaksiya topilmadi."),
  cannotCancel: fault(-31_007, "The traffic of this order is used; it cannot be cancelled.", "Заказ выполнен. Невозможно отменить транзакцию.", "Buyurtma bajarilgan. Bekor qilib bo‘lmaydi."),
  wrongState: fault(-31_008, "The transaction's state does not allow this.", "Невозможно выполнить операцию.", "Amalni bajarib bo‘lmaydi."),
  unknownOrder: accountFault(-31_050, "There is no such order.", "Заказ не найден.", "Buyurtma topilmadi."),
  paidOrder: accountFault(-31_051, "The order is paid.", "Заказ уже оплачен.", "Buyurtma to‘langan."),
  closedOrder: accountFault(-31_052, "The order is cancelled or too old.", "Заказ отменён или просрочен.", "Buyurtma bekor qilingan yoki muddati o‘tgan."),
  busyOrder: accountFault(-31_099, "Another transaction pays this order now.", "Заказ уже оплачивается другой транзакцией.", "Buyurtma boshqa tranzaksiya bilan to‘lanmoqda."),
} as const satisfies Record<string, PaymeFault>;
