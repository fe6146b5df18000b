/** What a program and its helper beside it say to each other: questions with numbers, answers, and what a helper tells unasked. */

export interface Question {
  readonly id: number;
  readonly ask: string;
  readonly given: unknown;
}

/** An expected failure, as `Problem` of the API has it. */
export interface Failure {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure }
  | { readonly tell: unknown };
