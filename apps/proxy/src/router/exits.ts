/** What sessions ask about exits: the router's own words, except that an answer may come from another gateway process. */
import type { Refusal, RoutableNode } from "@karvon/domain";
import type { Exit, ExitQuestion, Router } from "./choose-exit.ts";

export type ExitAnswer<N extends RoutableNode> = Exit<N> | Refusal;

export interface Exits<N extends RoutableNode> extends Omit<Router<N>, "choose"> {
  choose(question: ExitQuestion<N>): ExitAnswer<N> | Promise<ExitAnswer<N>>;
}
