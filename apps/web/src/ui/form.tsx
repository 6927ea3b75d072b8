"use client";
import type { ReactNode } from "react";

interface FormProps {
  className: string;
  onSubmit: () => void;
  children: ReactNode;
}

/** Its fields are checked by whoever owns them, not by the browser, and sending it does not leave the page. */
export function Form({ className, onSubmit, children }: FormProps) {
  return (
    <form
      noValidate
      className={className}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}
