/**
 * What every part of the page shares.
 * @module
 */
/// <reference lib="dom" />
import type { Notes } from "./notes.ts";
import type { ViewState } from "./state.ts";
import type { Store } from "./store.ts";

/** What every part of the page shares. */
export interface Context {
  /** The data. */
  readonly store: Store;
  /** Favourites and notes. */
  readonly notes: Notes;
  /** What is looked at. */
  readonly state: ViewState;
  /** Looks at something else: a step in the history with `push`, else in place. */
  go(change: Partial<ViewState>, options?: { readonly push?: boolean }): void;
  /** The address of another state, for links. */
  href(change: Partial<ViewState>): string;
  /** Says something to the reader, and to screen readers. */
  say(text: string): void;
  /** Tells the page that favourites or notes have changed. */
  noted(): void;
}

/** A part of the page that follows the state. */
export interface View {
  /** Its element. */
  readonly element: HTMLElement;
  /** Shows a state; `before` is what was shown. */
  update(before: ViewState | undefined): void;
}
