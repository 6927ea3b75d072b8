/** One plain-text mail to one person. `to` is always an address from the database, never from a form. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface Mailer {
  /** Resolves when the mail server has accepted the mail; rejects when it did not. */
  send(mail: Mail): Promise<void>;
  close(): Promise<void>;
}
