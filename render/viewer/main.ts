/**
 * The page: starts everything, follows the address, the keyboard, and a build that goes on.
 * @module
 */
/// <reference lib="dom" />
import type { Context, View } from "./context.ts";
import { DetailView } from "./detail_view.ts";
import { count, foreign, h } from "./dom.ts";
import { type BuildState, PAGE_LATENTS } from "./format.ts";
import { helpDialog, listenToKeys } from "./keys.ts";
import { LatentPage } from "./latent_page.ts";
import { Notes } from "./notes.ts";
import { Overview } from "./overview.ts";
import { showTip } from "./picture_view.ts";
import { formatHash, parseHash, type ViewState } from "./state.ts";
import { Store } from "./store.ts";
import { themeButton } from "./theme.ts";

/** How often a build that goes on is asked for news, in milliseconds. */
const POLL_MS = 2000;

function storage(): Storage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    // Refused by the browser's settings: notes then live as long as the page.
    return undefined;
  }
}

async function start(): Promise<void> {
  const app = document.getElementById("app")!;
  const status = h("div", { class: "toast", role: "status", "aria-live": "polite" });
  const store = new Store();
  try {
    await store.open();
  } catch (error) {
    app.replaceChildren(
      h(
        "main",
        { class: "broken" },
        h("h1", {}, "Nothing to show"),
        h("p", {}, `${(error as Error).message}. The folder viewer must lie beside this page.`),
      ),
    );
    return;
  }
  const { run } = store;
  let state = parseHash(location.hash);
  let views: View[] = [];
  let pending: ReturnType<typeof setTimeout> | undefined;
  let toast: ReturnType<typeof setTimeout> | undefined;
  const notes = new Notes(run.data.id, storage());

  const show = (next: ViewState): void => {
    const before = views.length > 0 ? state : undefined;
    state = next;
    showTip("");
    overview.element.hidden = state.latent !== null;
    page.element.hidden = state.latent === null;
    document.title = state.latent === null ? run.data.title : `Latent ${state.latent} · ${run.data.title}`;
    if (document.activeElement !== search) search.value = state.q;
    for (const view of views) view.update(before);
    if (before !== undefined && before.latent !== state.latent && state.latent !== null) scrollTo(0, 0);
  };
  const context: Context = {
    store,
    notes,
    get state(): ViewState {
      return state;
    },
    go(change, { push = false } = {}): void {
      const next = { ...state, ...change };
      const hash = formatHash(next);
      if (hash !== formatHash(state)) {
        if (push) {
          clearTimeout(pending);
          history.pushState(null, "", hash);
        } else {
          // Browsers refuse many changes in a row, as a slider makes them.
          clearTimeout(pending);
          pending = setTimeout(() => history.replaceState(null, "", formatHash(state)), 150);
        }
      }
      show(next);
    },
    href: (change) => formatHash({ ...state, ...change }),
    say(text): void {
      status.textContent = text;
      status.classList.add("on");
      clearTimeout(toast);
      toast = setTimeout(() => status.classList.remove("on"), 4000);
    },
    noted(): void {
      if (state.latent === null && state.only === "favourites") overview.refresh();
      else noted = true;
    },
  };
  let noted = false;

  const search = h("input", {
    type: "search",
    id: "search",
    placeholder: "Search number, label or note",
    "aria-label": "Search latents by number, label or note",
    autocomplete: "off",
    spellcheck: "false",
  });
  let typing: ReturnType<typeof setTimeout> | undefined;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => context.go({ q: search.value, latent: null, entry: 0, patch: -1 }), 120);
  });
  const overview = new Overview(context);
  const page = new LatentPage(context, () => overview.latents);
  const detail = new DetailView(context);
  const help = helpDialog(storage());
  app.replaceChildren(
    h("a", {
      class: "skip",
      href: "#main",
      on: {
        click: (event: Event) => {
          event.preventDefault();
          document.getElementById("main")!.focus();
        },
      },
    }, "Skip to the latents"),
    h(
      "header",
      { class: "top" },
      h("h1", {}, h("a", { href: "#" }, foreign(run.data.title))),
      search,
      themeButton(storage()),
      h("button", {
        type: "button",
        class: "icon",
        "aria-label": "Help and keyboard shortcuts",
        on: { click: () => help.element.showModal() },
      }, "?"),
    ),
    h("main", { id: "main", tabindex: "-1" }, overview.element, page.element),
    h("footer", { class: "muted small" }, "Made with saev-visuals."),
    detail.element,
    help.element,
    status,
  );
  // The order of the list is what next and previous mean, also for who comes to a latent first.
  if (state.latent !== null) overview.refresh();
  show(state);
  views = [overview, page, detail];
  for (const view of views) view.update(undefined);

  addEventListener("popstate", () => {
    clearTimeout(pending);
    const next = parseHash(location.hash);
    if (noted && next.latent === null) {
      noted = false;
      show(next);
      overview.refresh();
    } else show(next);
  });
  listenToKeys(context, { page, detail, search, help });
  if (location.protocol.startsWith("http")) {
    follow(store, {
      built(): void {
        overview.refresh();
        if (state.latent !== null) page.rebuild();
        context.say("New results");
      },
      progressed({ pages, of, done }): void {
        overview.progress(
          done ? "" : `${count(pages * PAGE_LATENTS)} of about ${count(of * PAGE_LATENTS)} written so far`,
        );
        overview.retry();
        page.retry();
      },
    });
  }
}

/** Asks a server how far the build has come, until it is done; files opened from disk are not asked. */
function follow(
  store: Store,
  on: { readonly built: () => void; readonly progressed: (state: BuildState) => void },
): void {
  let seen: BuildState | undefined;
  const ask = async (): Promise<void> => {
    let found: BuildState | undefined;
    try {
      const response = await globalThis.fetch("viewer/state.json", { cache: "no-store" });
      if (response.ok) found = await response.json() as BuildState;
    } catch {
      // The server may be gone; the page stays as it is, and asks again.
    }
    if (found !== undefined && typeof found.build === "string") {
      if (found.build !== store.run.data.build) await store.open(found.build).then(on.built, () => found = undefined);
      const isNews = found !== undefined &&
        (seen === undefined ? !found.done : found.pages !== seen.pages || found.done !== seen.done);
      if (isNews) on.progressed(found!);
      seen = found ?? seen;
    }
    setTimeout(ask, seen?.done ? POLL_MS * 5 : POLL_MS);
  };
  ask();
}

start();
